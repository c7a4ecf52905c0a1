// The exports of one process, and what state each is in.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/range_lock.h"
#include "config/export_options.h"
#include "source/source.h"
#include "volume/volume.h"

namespace luksdetached {

enum class ExportState {
  waiting,  ///< not unlocked yet
  open,     ///< served
  failed,   ///< refused; the reason says why
};

/// The word for a state in status reports: "waiting", "open", "failed".
std::string_view state_word(ExportState state) noexcept;

/// A copy of what is known about one export.
struct ExportStatus {
  std::string name;
  ExportState state = ExportState::waiting;
  std::string reason;      ///< why it failed, a sentence; else empty
  std::uint64_t size = 0;  ///< bytes, when open: as the newest client saw it
  bool writable = false;   ///< when open
};

/// What happens to exports, told to whoever keeps the log.
struct ExportEvents {
  using Tell = std::function<void(const std::string& name, const std::string& text)>;
  Tell opened;   ///< from the thread that opens
  Tell warning;  ///< the same
  Tell failed;   ///< the same
  Tell news;     ///< of storage that goes away and comes back: from any thread while it is served
};

/// Exports by name. They are added, then opened and started one after the other by one thread;
/// meanwhile and afterwards any thread may look at them.
class ExportRegistry {
 public:
  /// Before anything else; names are unique.
  void add(std::string name, ExportOptions options, Access access);

  /// Unlocks export number `index`, which is still refused to clients until it is started. Throws
  /// what open_export throws, after noting it as the export's state.
  void open(std::size_t index, const ExportEvents& events);

  /// Starts an opened export in the process that serves; clients get it from now on.
  void start(std::size_t index);

  /// Opens and starts all exports in order, until `stop` is set. Failures are only told.
  void open_and_start_all(const ExportEvents& events, const std::atomic<bool>& stop);

  /// Volume::stop_waiting for all open exports.
  void stop_waiting();

  /// Drops all open exports and their keys, also while another one is being opened. No client may
  /// have one open.
  void close_all() noexcept;

  /// The volume of the export called `name`; it lives until `close_all`. Throws Error with ENOENT
  /// when there is no such export, ESHUTDOWN when it is waiting or failed.
  Volume& volume(std::string_view name) const;

  /// All exports in the order in which they were added.
  std::vector<ExportStatus> statuses() const;

 private:
  struct Entry {
    ExportStatus status;
    ExportOptions options;
    Access access;
    std::unique_ptr<Volume> volume;  // of the thread that opens it, until it is open
  };

  void fail(Entry& entry, std::string reason);

  struct Payload {
    RangeLock lock;
    const Entry* writer = nullptr;  // the export that may write it
  };

  // By what `payload_identity` says; of the thread that opens.
  std::map<std::string, Payload> payloads_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace luksdetached
