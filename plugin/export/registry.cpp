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

using std::chrono::milliseconds;

// Between tries of an export that may come up by itself: doubled each time.
constexpr milliseconds first_pause{1000};
constexpr milliseconds longest_pause{60'000};

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

// May a failure pass without anybody changing the config, the header or the secret?
bool may_pass(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::source_unreachable:
    case ErrorKind::key_derivation:  // most likely for want of memory
    case ErrorKind::payload_in_use:
    case ErrorKind::io:
      return true;
    case ErrorKind::usage:
    case ErrorKind::not_luks:
    case ErrorKind::header_damaged:
    case ErrorKind::unsupported:
    case ErrorKind::policy:
    case ErrorKind::wrong_secret:
    case ErrorKind::payload_too_small:
      return false;
  }
  return false;
}

bool is_wanted(const Export& one, const WantedExport& wanted) {
  return one.name() == wanted.name && one.access() == wanted.access &&
         one.options() == wanted.options;
}

}  // namespace

void ExportRegistry::follow(std::vector<WantedExport> wanted, const ExportEvents& events) {
  std::vector<Entry> followed;
  for (Entry& entry : entries_) {
    const bool stays = std::ranges::any_of(
        wanted, [&](const WantedExport& one) { return is_wanted(*entry.its_export, one); });
    if (stays) continue;
    const std::string name = entry.its_export->name();
    remove(entry);
    events.removed(name, "it was removed");
  }
  for (WantedExport& one : wanted) {
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
      return entry.its_export->state() != ExportState::removed && is_wanted(*entry.its_export, one);
    });
    Entry entry;
    if (found != entries_.end()) {
      entry = std::move(*found);
      entries_.erase(found);
    } else {
      entry.its_export =
          std::make_shared<Export>(std::move(one.name), std::move(one.options), one.access);
    }
    entry.its_export->set_rules(std::move(one.rules));
    if (entry.its_export->state() == ExportState::failed) {
      entry.its_export->wait();
      entry.due = Clock::time_point::min();
      entry.pause = milliseconds(0);
      entry.told.clear();
    }
    followed.push_back(std::move(entry));
  }
  entries_ = std::move(followed);
  const std::lock_guard lock(mutex_);
  exports_.clear();
  for (const Entry& entry : entries_) exports_.push_back(entry.its_export);
}

void ExportRegistry::open_first(const ExportEvents& events) {
  Entry& entry = entries_.front();
  try {
    open(entry, events);
  } catch (const std::exception& error) {
    entry.its_export->fail(error.what(), false);
    throw;
  }
}

void ExportRegistry::start_first() {
  start(entries_.front());
}

std::optional<ExportRegistry::Clock::time_point> ExportRegistry::open_due(
    const ExportEvents& events, const std::function<bool()>& stop) {
  std::optional<Clock::time_point> next;
  for (Entry& entry : entries_) {
    Export& one = *entry.its_export;
    if (one.state() == ExportState::open || !entry.due) continue;
    if (stop()) return std::nullopt;
    if (*entry.due <= Clock::now()) {
      std::string reason;
      entry.due.reset();
      try {
        open(entry, events);
        start(entry);
        continue;
      } catch (const Error& error) {
        reason = error.what();
        if (may_pass(error.kind())) entry.due = Clock::now();
      } catch (const std::bad_alloc&) {
        reason = "out of memory";
        entry.due = Clock::now();
      } catch (const std::exception& error) {
        reason = error.what();
      }
      if (entry.due) {
        entry.pause = std::clamp(entry.pause * 2, first_pause, longest_pause);
        *entry.due += entry.pause;
      }
      one.fail(reason, entry.due.has_value());
      if (reason != entry.told) events.failed(one.name(), entry.told = reason);
    }
    if (entry.due && (!next || *entry.due < *next)) next = entry.due;
  }
  return next;
}

std::shared_ptr<ExportRegistry::Payload> ExportRegistry::payload_of(const std::string& uri) {
  std::erase_if(payloads_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<Payload>& known = payloads_[payload_identity(uri)];
  std::shared_ptr<Payload> payload = known.lock();
  if (!payload) known = payload = std::make_shared<Payload>();
  return payload;
}

void ExportRegistry::open(Entry& entry, const ExportEvents& events) {
  const Export& one = *entry.its_export;
  const std::string& name = one.name();
  const std::shared_ptr<Payload> payload = payload_of(one.options().payload);
  if (one.access() == Access::read_write && payload->writer != nullptr) {
    throw Error(ErrorKind::payload_in_use,
                "payload " + parse_uri(one.options().payload).name + ": export " +
                    payload->writer->name() +
                    " writes it already; beside that one it can only be served with readonly=true");
  }
  OpenedExport opened =
      open_export(one.options(), one.access(), payload->lock,
                  [name, tell = events.news](const std::string& text) { tell(name, text); });
  if (opened.volume->writable()) payload->writer = &one;
  entry.payload = payload;
  entry.volume = std::move(opened.volume);
  for (const std::string& text : opened.warnings) events.warning(name, text);
  events.unlocked(name, opened.facts);
  events.opened(name, opened.summary);
}

void ExportRegistry::start(Entry& entry) {
  try {
    entry.volume->start();
  } catch (const std::exception&) {
    entry.volume.reset();
    if (entry.payload->writer == entry.its_export.get()) entry.payload->writer = nullptr;
    entry.payload.reset();
    throw;
  }
  entry.its_export->serve(std::move(entry.volume));
}

void ExportRegistry::remove(Entry& entry) noexcept {
  entry.its_export->remove().reset();
  entry.volume.reset();
  if (entry.payload && entry.payload->writer == entry.its_export.get()) {
    entry.payload->writer = nullptr;
  }
  entry.payload.reset();
}

void ExportRegistry::stop_waiting() {
  const std::lock_guard lock(mutex_);
  for (const auto& one : exports_) one->stop_waiting();
}

void ExportRegistry::remove_all() noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& one : exports_) one->remove().reset();
}

std::shared_ptr<Export> ExportRegistry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find_if(exports_, [&](const auto& one) { return one->name() == name; });
  if (found == exports_.end()) {
    throw Error(ErrorKind::usage, "there is no export '" + printable(name) + "'", ENOENT);
  }
  return *found;
}

std::vector<ExportStatus> ExportRegistry::statuses() const {
  const std::lock_guard lock(mutex_);
  std::vector<ExportStatus> all;
  all.reserve(exports_.size());
  for (const auto& one : exports_) all.push_back(one->status());
  return all;
}

}  // namespace luksdetached
