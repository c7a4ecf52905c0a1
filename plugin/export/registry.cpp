#include "export/registry.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/range_lock.h"
#include "export/open_export.h"
#include "export/payload_identity.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

using std::chrono::milliseconds;

// Between tries of an export that may come up by itself: doubled each time.
constexpr milliseconds first_pause{1000};
constexpr milliseconds longest_pause{60'000};

// How long a removal waits for requests that have begun.
constexpr milliseconds removal_patience{2000};

// A name that a client made up, for the log.
std::string printable(std::string_view name) {
  constexpr std::size_t most = 80;
  const std::string text = escape_control(name.substr(0, most));
  return name.size() > most ? text + "…" : text;
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

// What volumes of one payload share.
struct ExportRegistry::Payload {
  bool is_any_of(const std::vector<std::string>& others) const;

  RangeLock lock;
  std::weak_ptr<const std::string> writer;  // the presence of the export that may write it
  std::vector<std::string> identities;      // when it was opened
  std::set<std::string> changing_uris;
};

// The volume goes first: it uses the payload's lock.
struct ExportRegistry::Opened {
  std::shared_ptr<Payload> payload;
  Presence presence;
  UnlockFacts facts;
  std::unique_ptr<Volume> volume;
};

std::vector<ExportRegistry::Entry> ExportRegistry::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

void ExportRegistry::follow(std::vector<WantedExport> wanted, const ExportEvents& events) {
  std::vector<Entry> unwanted = entries();
  std::erase_if(unwanted, [&](const Entry& entry) {
    return std::ranges::any_of(
        wanted, [&](const WantedExport& one) { return is_wanted(*entry.its_export, one); });
  });
  remove(std::move(unwanted), wanted, events);
  const std::lock_guard lock(mutex_);
  std::vector<Entry> followed;
  for (WantedExport& one : wanted) {
    const auto found = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return is_wanted(*entry.its_export, one); });
    Entry entry;
    if (found != entries_.end()) {
      entry = *found;
    } else {
      entry.its_export =
          std::make_shared<Export>(std::move(one.name), std::move(one.options), one.access);
    }
    entry.its_export->set_rules(std::move(one.rules));
    if (entry.is_being_opened) {
      entry.was_asked_for = true;
    } else if (entry.its_export->state() == ExportState::failed) {
      entry.its_export->wait();
      entry.due = Clock::time_point::min();
      entry.pause = milliseconds(0);
      entry.told.clear();
    }
    followed.push_back(std::move(entry));
  }
  entries_ = std::move(followed);
}

void ExportRegistry::remove(std::vector<Entry> unwanted, const std::vector<WantedExport>& wanted,
                            const ExportEvents& events) {
  // None waits for another one's requests.
  for (const Entry& entry : unwanted) entry.its_export->remove();
  const Clock::time_point patient_until = Clock::now() + removal_patience;
  for (Entry& entry : unwanted) {
    const std::string& name = entry.its_export->name();
    // Then it is another export from now on.
    const bool changed = std::ranges::find(wanted, name, &WantedExport::name) != wanted.end();
    const std::string what = changed ? "it was changed" : "it was removed";
    while (!entry.presence.expired() && Clock::now() < patient_until) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    if (entry.presence.expired()) {
      events.removed(name, what);
      continue;
    }
    events.removed(name, what +
                             "; but something that was begun with it has not ended, and until "
                             "then its key is in memory");
    const std::lock_guard lock(mutex_);
    leaving_.push_back(std::move(entry));
  }
}

void ExportRegistry::open_first(const ExportEvents& events) {
  const std::shared_ptr<Export> one = entries().front().its_export;
  try {
    first_ = open(*one, std::make_shared<const std::string>(one->name()), events);
  } catch (const std::exception& error) {
    one->fail(error.what(), false);
    throw;
  }
}

void ExportRegistry::start_first() {
  const std::shared_ptr<Opened> opened = std::move(first_);
  opened->volume->start();
  entries().front().its_export->serve({opened, opened->volume.get()}, opened->facts);
}

std::optional<ExportRegistry::Clock::time_point> ExportRegistry::open_due(
    const ExportEvents& events, const std::function<bool()>& stop) {
  while (!stop()) {
    const auto [one, presence] = begin_due();
    if (!one) return next_due(events);
    try {
      const std::shared_ptr<Opened> opened = open(*one, presence, events);
      opened->volume->start();
      one->serve({opened, opened->volume.get()}, opened->facts);
      note_success(*one);
      events.state_changed();
    } catch (const Error& error) {
      note_failure(*one, error.what(), may_pass(error.kind()), events);
    } catch (const std::bad_alloc&) {
      note_failure(*one, "out of memory", true, events);
    } catch (const std::exception& error) {
      note_failure(*one, error.what(), false, events);
    }
  }
  return std::nullopt;
}

// The export that has been due for longest, as what is about to be opened; null when none is. Those
// that were never tried come first, in their order.
std::pair<std::shared_ptr<Export>, ExportRegistry::Presence> ExportRegistry::begin_due() {
  const std::lock_guard lock(mutex_);
  Entry* longest = nullptr;
  for (Entry& entry : entries_) {
    if (!entry.due || *entry.due > Clock::now()) continue;
    if (longest == nullptr || *entry.due < *longest->due) longest = &entry;
  }
  if (longest == nullptr) return {};
  longest->due.reset();
  longest->is_being_opened = true;
  longest->was_asked_for = false;
  Presence presence = std::make_shared<const std::string>(longest->its_export->name());
  longest->presence = presence;
  return {longest->its_export, std::move(presence)};
}

std::optional<ExportRegistry::Clock::time_point> ExportRegistry::next_due(
    const ExportEvents& events) {
  std::vector<Entry> gone;
  std::optional<Clock::time_point> next;
  {
    const std::lock_guard lock(mutex_);
    const auto still = std::ranges::partition(
        leaving_, [](const Entry& entry) { return !entry.presence.expired(); });
    gone.assign(still.begin(), still.end());
    leaving_.erase(still.begin(), still.end());
    if (!leaving_.empty()) next = Clock::now() + first_pause;
    for (const Entry& entry : entries_) {
      if (entry.due && (!next || *entry.due < *next)) next = entry.due;
    }
  }
  for (const Entry& entry : gone) {
    events.removed(entry.its_export->name(), "the last of what was begun with it has ended");
  }
  return next;
}

// With the lock held. Null when it is none of ours any more.
ExportRegistry::Entry* ExportRegistry::entry_of(const Export& one) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.its_export.get() == &one; });
  return found == entries_.end() ? nullptr : &*found;
}

void ExportRegistry::note_success(const Export& one) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = entry_of(one);
  if (entry == nullptr) return;
  entry->is_being_opened = false;
  entry->pause = milliseconds(0);
  entry->told.clear();
}

void ExportRegistry::note_failure(Export& one, const std::string& reason, bool may_pass,
                                  const ExportEvents& events) {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    Entry* const entry = entry_of(one);
    if (entry == nullptr || one.state() == ExportState::removed) return;
    entry->is_being_opened = false;
    if (entry->was_asked_for) {
      entry->pause = milliseconds(0);
      entry->due = Clock::now();
    } else if (may_pass) {
      entry->pause = std::clamp(entry->pause * 2, first_pause, longest_pause);
      entry->due = Clock::now() + entry->pause;
    }
    one.fail(reason, entry->due.has_value());
    is_news = reason != entry->told;
    entry->told = reason;
  }
  events.state_changed();
  if (is_news) events.failed(one.name(), reason);
}

bool ExportRegistry::Payload::is_any_of(const std::vector<std::string>& others) const {
  const auto is_other = [&](const std::string& one) {
    return std::ranges::find(others, one) != others.end();
  };
  if (std::ranges::any_of(identities, is_other)) return true;
  return std::ranges::any_of(changing_uris, [&](const std::string& uri) {
    return std::ranges::any_of(payload_identities(uri), is_other);
  });
}

std::shared_ptr<ExportRegistry::Payload> ExportRegistry::payload_of(const std::string& uri) {
  std::erase_if(payloads_, [](const auto& one) { return one.expired(); });
  std::vector<std::string> identities = payload_identities(uri);
  std::shared_ptr<Payload> payload;
  for (const auto& one : payloads_) {
    std::shared_ptr<Payload> known = one.lock();
    if (known->is_any_of(identities)) payload = std::move(known);
    if (payload && !payload->writer.expired()) break;
  }
  if (!payload) {
    payload = std::make_shared<Payload>();
    payloads_.push_back(payload);
  }
  for (std::string& identity : identities) {
    if (!payload->is_any_of({identity})) payload->identities.push_back(std::move(identity));
  }
  if (may_change_identity(uri)) payload->changing_uris.insert(uri);
  return payload;
}

std::shared_ptr<ExportRegistry::Opened> ExportRegistry::open(const Export& one, Presence presence,
                                                             const ExportEvents& events) {
  const std::string& name = one.name();
  const std::shared_ptr<Payload> payload = payload_of(one.options().payload);
  if (const Presence writer = payload->writer.lock();
      writer && one.access() == Access::read_write) {
    throw Error(ErrorKind::payload_in_use,
                "payload " + parse_uri(one.options().payload).name + ": export " + *writer +
                    " writes it already; beside that one it can only be served with readonly=true");
  }
  OpenedExport opened =
      open_export(one.options(), one.access(), payload->lock,
                  [name, tell = events.news](const std::string& text) { tell(name, text); });
  if (opened.volume->writable()) payload->writer = presence;
  if (one.state() != ExportState::removed) {
    for (const std::string& text : opened.warnings) events.warning(name, text);
    opened.facts.warnings = opened.warnings;
    events.unlocked(name, opened.facts);
    events.opened(name, opened.summary);
  }
  return std::make_shared<Opened>(payload, std::move(presence), std::move(opened.facts),
                                  std::move(opened.volume));
}

void ExportRegistry::stop_waiting() {
  for (const Entry& entry : entries()) entry.its_export->stop_waiting();
}

void ExportRegistry::remove_all() noexcept {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) entry.its_export->remove();
}

std::shared_ptr<Export> ExportRegistry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.its_export->name() == name; });
  if (found == entries_.end()) {
    throw Error(ErrorKind::usage, "there is no export '" + printable(name) + "'", ENOENT);
  }
  return found->its_export;
}

std::vector<ExportStatus> ExportRegistry::statuses() const {
  std::vector<ExportStatus> all;
  for (const Entry& entry : entries()) {
    all.push_back(entry.its_export->status());
    all.back().is_being_opened = entry.is_being_opened;
  }
  return all;
}

}  // namespace luksdetached
