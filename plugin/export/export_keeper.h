// Brings the exports of a service up, and keeps them as the config says.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/event.h"
#include "export/registry.h"

namespace luksdetached {

/// How often a service was told to follow its config, and how that went the last time.
struct ReloadStatus {
  unsigned long asked = 0;     ///< how often it was told to
  unsigned long answered = 0;  ///< how many of these its present state is no older than
  unsigned long reloads = 0;   ///< that have ended; one may answer several
  unsigned long failures = 0;  ///< of those: that changed nothing
  std::string error{};         ///< why the last one changed nothing; empty when it was followed
  std::chrono::system_clock::time_point last{};  ///< when the last one ended, if there was any
};

/// Two threads: one opens exports one after the other and tries those again that may come up by
/// themselves; the other one follows the config when it is told to, also while an export is being
/// opened, which can take minutes.
class ExportKeeper {
 public:
  /// Reads the config anew. What it throws is why the config cannot be followed; nothing is changed
  /// then.
  using Reread = std::function<std::vector<WantedExport>()>;

  /// `exports` must outlive it, and is nobody else's to change until `stop`.
  ExportKeeper(ExportRegistry& exports, ExportEvents events, Reread reread);
  ExportKeeper(const ExportKeeper&) = delete;
  ExportKeeper& operator=(const ExportKeeper&) = delete;
  ~ExportKeeper();

  /// Once, in the process that serves.
  void start();

  /// Has the config read again. May be called in a signal handler.
  void reload() noexcept;

  ReloadStatus status() const;

  /// Ends it; no export is opened any more. False when a key derivation, which cannot be
  /// interrupted, has not ended after `patience`: then only the end of the process ends it.
  bool stop(std::chrono::milliseconds patience);

 private:
  void open();
  void follow();
  void follow_once();

  ExportRegistry& exports_;
  ExportEvents events_;
  Reread reread_;
  Event opener_woken_, follower_woken_;
  std::atomic<bool> stopping_ = false;
  std::atomic<unsigned long> asked_ = 0;
  mutable std::mutex mutex_;  // guards status_, but for `asked`
  ReloadStatus status_;
  std::thread opener_, follower_;
  std::future<void> opener_done_, follower_done_;
};

}  // namespace luksdetached
