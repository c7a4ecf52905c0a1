// One export, and the clients that have it open.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/export_options.h"
#include "config/export_rules.h"
#include "export/unlock_facts.h"
#include "metrics/request_counters.h"
#include "source/source.h"
#include "volume/volume.h"

namespace luksdetached {

enum class ExportState {
  waiting,  ///< not unlocked yet
  open,     ///< served
  failed,   ///< refused; the reason says why
  removed,  ///< not served any more
};

/// The word for a state in status reports: "waiting", "open", "failed", "removed".
std::string_view state_word(ExportState state) noexcept;

/// A copy of what is known about one export.
struct ExportStatus {
  std::string name;
  ExportState state = ExportState::waiting;
  std::string reason;                   ///< why it failed, a sentence; else empty
  bool is_retried = false;              ///< when it failed: it will be tried again
  bool is_being_opened = false;         ///< at this moment
  std::uint64_t size = 0;               ///< bytes, when open: as the newest client saw it
  bool writable = false;                ///< when open
  std::size_t clients = 0;              ///< that have it open
  std::uint64_t reconnects = 0;         ///< when open: see Source::reconnects
  std::optional<UnlockFacts> unlocked;  ///< when open
  /// What its clients asked for, of now and later. Null only in a status that is no export's.
  std::shared_ptr<const RequestCounters> requests;
  std::shared_ptr<const ExportRules> rules;  ///< the same
};

/// An export from when it is asked for until it was removed and its last client has gone.
///
/// One thread at a time changes its state; meanwhile and afterwards any thread may look at it, and
/// clients come and go.
class Export {
 public:
  Export(std::string name, ExportOptions options, Access access);

  const std::string& name() const noexcept { return name_; }
  const ExportOptions& options() const noexcept { return options_; }
  Access access() const noexcept { return access_; }
  ExportState state() const;
  ExportStatus status() const;

  /// What new clients have to match. Those that have it open keep it when the rules change.
  std::shared_ptr<const ExportRules> rules() const;
  void set_rules(ExportRules rules);

  /// Clients get the volume from now on, unless the export was removed: then it is gone. What
  /// follows does nothing then, either.
  void serve(std::shared_ptr<Volume> volume, UnlockFacts unlocked = {});

  /// Clients are refused from now on: as one that failed for `reason`, which is tried again or not.
  void fail(std::string reason, bool is_retried);
  /// The same as one that is not unlocked yet.
  void wait();

  /// No client gets at the volume any more: none can open it, and each later request of those that
  /// have is refused. Requests that have begun are not waited for; those that wait for a server
  /// that is away fail soon. With the last of them, or now when there is none, the volume is let
  /// go.
  void remove() noexcept;

  /// Volume::stop_waiting, if it is served.
  void stop_waiting();

  class Client;

 private:
  bool set_state(ExportState state);

  std::string name_;
  ExportOptions options_;
  Access access_;
  std::shared_ptr<RequestCounters> requests_ = std::make_shared<RequestCounters>();

  std::mutex clients_mutex_;  // taken before the other one; guards what follows
  std::vector<Client*> clients_;

  mutable std::mutex mutex_;  // guards what follows
  ExportState state_ = ExportState::waiting;
  std::string reason_;
  bool is_retried_ = false;
  std::shared_ptr<Volume> volume_;
  UnlockFacts unlocked_;  // of the volume
  std::size_t client_count_ = 0;
  std::shared_ptr<const ExportRules> rules_ = std::make_shared<const ExportRules>();
};

/// One client of an export. Its requests may come from several threads at once.
class Export::Client {
 public:
  /// Throws Error with ESHUTDOWN, and the reason, when the export is not open; Error(policy) when
  /// it has as many clients as its rules allow. What else the rules say is the caller's to check.
  explicit Client(std::shared_ptr<Export> its_export);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// The volume, for as long as this lives: one request, which ends before its client does.
  class Use {
   public:
    Use(Use&&) noexcept = default;
    ~Use();

    Volume* operator->() const noexcept { return client_->volume_.get(); }

   private:
    friend class Client;
    Use(Client& client, std::shared_lock<std::shared_mutex> lock)
        : client_(&client), lock_(std::move(lock)) {}
    Client* client_;
    std::shared_lock<std::shared_mutex> lock_;
  };

  /// Throws Error(io) with ESHUTDOWN when the export was removed.
  Use volume();

  /// Was the export removed, and has every request of this client ended that had begun before?
  bool is_over() noexcept;

  /// Where its requests are counted.
  RequestCounters& requests() const noexcept { return *export_->requests_; }

 private:
  friend class Export;

  void let_go() noexcept;

  std::shared_ptr<Export> export_;
  // Set before the volume is taken away: who finds a request under way leaves that to its end.
  std::atomic<bool> removed_ = false;
  std::shared_mutex mutex_;  // shared by requests; guards what follows
  std::shared_ptr<Volume> volume_;
};

}  // namespace luksdetached
