// The exports of one process.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/export_options.h"
#include "export/export.h"
#include "export/unlock_facts.h"
#include "source/source.h"

namespace luksdetached {

/// What happens to exports, told to whoever keeps the log.
struct ExportEvents {
  using Tell = std::function<void(const std::string& name, const std::string& text)>;
  Tell opened;                                                    ///< from the thread that opens
  Tell warning;                                                   ///< the same
  Tell failed;                                                    ///< the same
  Tell removed;                                                   ///< the same
  std::function<void(const std::string& mistakes)> not_followed;  ///< the config, which was reread
  Tell news;  ///< of storage that goes away and comes back: from any thread while it is served
  /// Before `opened`, from the same thread.
  std::function<void(const std::string& name, const UnlockFacts& facts)> unlocked =
      [](const std::string&, const UnlockFacts&) {};
  std::function<void()> state_changed = [] {};  ///< an export is open, or failed: who opens tells
  std::function<void()> reload_begins = [] {};  ///< who follows tells
  std::function<void(bool was_followed)> reload_ended = [](bool) {};  ///< the same
};

/// An export that is asked for.
struct WantedExport {
  std::string name;
  ExportOptions options;
  Access access = Access::read_only;
  ExportRules rules{};
};

/// Exports by name. One thread opens them, another one says which there are; meanwhile any thread
/// may look at them, and clients use them.
class ExportRegistry {
 public:
  using Clock = std::chrono::steady_clock;

  ExportRegistry() = default;
  ExportRegistry(const ExportRegistry&) = delete;
  ExportRegistry& operator=(const ExportRegistry&) = delete;
  ~ExportRegistry() { remove_all(); }

  /// From now on these are the exports, in this order; their names are unique. Those that are asked
  /// for as before stay as they are, but for their rules, and one that failed is waiting again. The
  /// others are removed first, also one that was changed or is being opened, and told so: with
  /// their keys, but for requests that have begun and do not end within two seconds. What is new is
  /// waiting. Not from two threads at once.
  void follow(std::vector<WantedExport> wanted, const ExportEvents& events);

  /// Unlocks the first export, which is still refused to clients until it is started. For a process
  /// that has only one. Throws what open_export throws, after noting it as the export's state.
  void open_first(const ExportEvents& events);

  /// Starts it in the process that serves; clients get it from now on. Throws as Volume::start.
  void start_first();

  /// Opens and starts all exports that are waiting, in order, and tries those again that failed for
  /// a reason that may pass and are due. Ends early when `stop` says so. Failures are only told,
  /// and the same one only once. Returns when there is something to do again. Not from two threads
  /// at once.
  std::optional<Clock::time_point> open_due(const ExportEvents& events,
                                            const std::function<bool()>& stop);

  /// Volume::stop_waiting for all open exports.
  void stop_waiting();

  /// Removes all exports and their keys, for good. From any thread.
  void remove_all() noexcept;

  /// The export called `name`. Throws Error with ENOENT when there is none.
  std::shared_ptr<Export> find(std::string_view name) const;

  /// All exports in the order of the config.
  std::vector<ExportStatus> statuses() const;

 private:
  struct Payload;
  struct Opened;

  // Lives as long as the volume of an export, from before its secrets are read. Its export's name.
  using Presence = std::shared_ptr<const std::string>;

  struct Entry {
    std::shared_ptr<Export> its_export{};
    std::weak_ptr<const std::string> presence{};
    std::chrono::milliseconds pause{0};  // before the next try
    std::optional<Clock::time_point> due = Clock::time_point::min();
    bool is_being_opened = false;
    bool was_asked_for = false;  // again, while it was being opened
    std::string told{};          // of its failures
  };

  std::vector<Entry> entries() const;
  void remove(std::vector<Entry> unwanted, const std::vector<WantedExport>& wanted,
              const ExportEvents& events);
  Entry* entry_of(const Export& one);
  std::pair<std::shared_ptr<Export>, Presence> begin_due();
  std::optional<Clock::time_point> next_due(const ExportEvents& events);
  void note_success(const Export& one);
  void note_failure(Export& one, const std::string& reason, bool may_pass,
                    const ExportEvents& events);
  std::shared_ptr<Payload> payload_of(const std::string& uri);
  std::shared_ptr<Opened> open(const Export& one, Presence presence, const ExportEvents& events);

  // Of the thread that opens, as what follows.
  std::vector<std::weak_ptr<Payload>> payloads_;
  std::shared_ptr<Opened> first_;  // from when it was opened until it was started

  mutable std::mutex mutex_;  // guards what follows
  std::vector<Entry> entries_;
  std::vector<Entry> leaving_;  // removed, but something of them is there yet
};

}  // namespace luksdetached
