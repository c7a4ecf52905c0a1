#include "export/registry.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "export/open_export.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

// A name that a client made up, for the log.
std::string printable(std::string_view name) {
  constexpr std::size_t most = 80;
  const std::string text = escape_control(name.substr(0, most));
  return name.size() > most ? text + "…" : text;
}

// Equal for two URIs of one payload, as far as that can be told: also for a file, or a server's
// socket, under two names.
std::string payload_identity(const std::string& uri) {
  const Uri parsed = parse_uri(uri);
  const std::string& path = parsed.scheme == Scheme::path ? parsed.path : parsed.socket;
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return parsed.place;
  return "inode " + std::to_string(info.st_dev) + " " + std::to_string(info.st_ino) + " " +
         parsed.export_name;
}

}  // namespace

std::string_view state_word(ExportState state) noexcept {
  switch (state) {
    case ExportState::waiting:
      return "waiting";
    case ExportState::open:
      return "open";
    case ExportState::failed:
      return "failed";
  }
  return {};
}

void ExportRegistry::add(std::string name, ExportOptions options, Access access) {
  const std::lock_guard lock(mutex_);
  Entry entry{{}, std::move(options), access, nullptr};
  entry.status.name = std::move(name);
  entries_.push_back(std::move(entry));
}

void ExportRegistry::open(std::size_t index, const ExportEvents& events) {
  Entry& entry = entries_[index];
  const std::string& name = entry.status.name;
  try {
    // Without the lock: unlocking takes its time, and nobody else looks at the volume of an export
    // that is waiting.
    Payload& payload = payloads_[payload_identity(entry.options.payload)];
    if (entry.access == Access::read_write && payload.writer != nullptr) {
      throw Error(
          ErrorKind::payload_in_use,
          "payload " + parse_uri(entry.options.payload).name + ": export " +
              payload.writer->status.name +
              " writes it already; beside that one it can only be served with readonly=true");
    }
    OpenedExport opened =
        open_export(entry.options, entry.access, payload.lock,
                    [name, tell = events.news](const std::string& text) { tell(name, text); });
    if (opened.volume->writable()) payload.writer = &entry;
    for (const std::string& text : opened.warnings) events.warning(name, text);
    events.opened(name, opened.summary);
    entry.volume = std::move(opened.volume);
  } catch (const std::exception& error) {
    fail(entry, error.what());
    throw;
  }
}

void ExportRegistry::start(std::size_t index) {
  Entry& entry = entries_[index];
  try {
    entry.volume->start();
  } catch (const std::exception& error) {
    entry.volume.reset();
    for (auto& [identity, payload] : payloads_) {
      if (payload.writer == &entry) payload.writer = nullptr;
    }
    fail(entry, error.what());
    throw;
  }
  const std::lock_guard lock(mutex_);
  entry.status.writable = entry.volume->writable();
  entry.status.state = ExportState::open;
}

void ExportRegistry::fail(Entry& entry, std::string reason) {
  const std::lock_guard lock(mutex_);
  entry.status.state = ExportState::failed;
  entry.status.reason = std::move(reason);
}

void ExportRegistry::open_and_start_all(const ExportEvents& events, const std::atomic<bool>& stop) {
  for (std::size_t index = 0; index < entries_.size() && !stop; ++index) {
    try {
      open(index, events);
      start(index);
    } catch (const std::exception& error) {
      events.failed(entries_[index].status.name, error.what());
    }
  }
}

void ExportRegistry::stop_waiting() {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.status.state == ExportState::open) entry.volume->stop_waiting();
  }
}

void ExportRegistry::close_all() noexcept {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.status.state != ExportState::open) continue;
    entry.status.state = ExportState::waiting;
    entry.volume.reset();
  }
}

Volume& ExportRegistry::volume(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.status.name == name; });
  if (found == entries_.end()) {
    throw Error(ErrorKind::usage, "there is no export '" + printable(name) + "'", ENOENT);
  }
  if (found->status.state == ExportState::waiting) {
    throw Error(ErrorKind::usage, "export " + found->status.name + " is still being unlocked",
                ESHUTDOWN);
  }
  if (found->status.state == ExportState::failed) {
    throw Error(ErrorKind::usage,
                "export " + found->status.name + " could not be opened: " + found->status.reason,
                ESHUTDOWN);
  }
  return *found->volume;
}

std::vector<ExportStatus> ExportRegistry::statuses() const {
  const std::lock_guard lock(mutex_);
  std::vector<ExportStatus> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    all.push_back(entry.status);
    if (entry.status.state == ExportState::open) all.back().size = entry.volume->size();
  }
  return all;
}

}  // namespace luksdetached
