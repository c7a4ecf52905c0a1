#include "export/export.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace luksdetached {

std::string_view state_word(ExportState state) noexcept {
  switch (state) {
    case ExportState::waiting:
      return "waiting";
    case ExportState::open:
      return "open";
    case ExportState::failed:
      return "failed";
    case ExportState::removed:
      return "removed";
  }
  return {};
}

Export::Export(std::string name, ExportOptions options, Access access)
    : name_(std::move(name)), options_(std::move(options)), access_(access) {}

ExportState Export::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

ExportStatus Export::status() const {
  const std::lock_guard lock(mutex_);
  ExportStatus status;
  status.name = name_;
  status.state = state_;
  status.reason = reason_;
  status.is_retried = is_retried_;
  status.clients = client_count_;
  status.rules = rules_;
  status.requests = requests_;
  if (state_ == ExportState::open) {
    status.size = volume_->size();
    status.writable = volume_->writable();
    status.reconnects = volume_->reconnects();
    status.unlocked = unlocked_;
  }
  return status;
}

std::shared_ptr<const ExportRules> Export::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void Export::set_rules(ExportRules rules) {
  auto next = std::make_shared<const ExportRules>(std::move(rules));
  const std::lock_guard lock(mutex_);
  rules_ = std::move(next);
}

void Export::serve(std::shared_ptr<Volume> volume, UnlockFacts unlocked) {
  const std::lock_guard lock(mutex_);
  if (!set_state(ExportState::open)) return;
  volume_ = std::move(volume);
  unlocked_ = std::move(unlocked);
}

void Export::fail(std::string reason, bool is_retried) {
  const std::lock_guard lock(mutex_);
  if (!set_state(ExportState::failed)) return;
  reason_ = std::move(reason);
  is_retried_ = is_retried;
}

void Export::wait() {
  const std::lock_guard lock(mutex_);
  set_state(ExportState::waiting);
}

// With the lock held. False when it was removed.
bool Export::set_state(ExportState state) {
  if (state_ == ExportState::removed) return false;
  state_ = state;
  reason_.clear();
  is_retried_ = false;
  return true;
}

void Export::remove() noexcept {
  std::shared_ptr<Volume> volume;
  {
    const std::lock_guard lock(mutex_);
    set_state(ExportState::removed);
    volume = std::move(volume_);
  }
  // Whoever found it open before is in the list now.
  const std::lock_guard lock(clients_mutex_);
  for (Client* client : clients_) client->removed_ = true;
  if (volume) volume->stop_waiting();
  for (Client* client : clients_) client->let_go();
}

void Export::stop_waiting() {
  const std::lock_guard lock(mutex_);
  if (state_ == ExportState::open) volume_->stop_waiting();
}

Export::Client::Client(std::shared_ptr<Export> its_export) : export_(std::move(its_export)) {
  Export& its = *export_;
  const std::scoped_lock lock(its.clients_mutex_, its.mutex_);
  switch (its.state_) {
    case ExportState::open:
      break;
    case ExportState::waiting:
      throw Error(ErrorKind::usage, "export " + its.name_ + " is still being unlocked", ESHUTDOWN);
    case ExportState::failed:
      throw Error(ErrorKind::usage, "export " + its.name_ + " could not be opened: " + its.reason_,
                  ESHUTDOWN);
    case ExportState::removed:
      throw Error(ErrorKind::usage, "export " + its.name_ + " was removed", ESHUTDOWN);
  }
  if (its.rules_->max_clients != 0 && its.client_count_ >= its.rules_->max_clients) {
    throw Error(ErrorKind::policy, "export " + its.name_ + " has as many connections as its " +
                                       "max-clients allows, " +
                                       std::to_string(its.rules_->max_clients));
  }
  its.clients_.push_back(this);
  ++its.client_count_;
  volume_ = its.volume_;
}

Export::Client::~Client() {
  const std::scoped_lock lock(export_->clients_mutex_, export_->mutex_);
  std::erase(export_->clients_, this);
  --export_->client_count_;
}

Export::Client::Use Export::Client::volume() {
  if (!removed_) {
    std::shared_lock lock(mutex_);
    if (volume_) return {*this, std::move(lock)};
  }
  throw Error(ErrorKind::io, "export " + export_->name_ + " was removed", ESHUTDOWN);
}

bool Export::Client::is_over() noexcept {
  std::shared_ptr<Volume> volume;  // ends after the lock
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !removed_) return false;
  volume = std::move(volume_);  // the end of the last request may have found this lock taken
  return true;
}

// While a request is under way nothing: its end does the same.
void Export::Client::let_go() noexcept {
  std::shared_ptr<Volume> volume;  // ends after the lock
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) volume = std::move(volume_);
}

Export::Client::Use::~Use() {
  if (!lock_.owns_lock()) return;
  lock_.unlock();
  if (client_->removed_) client_->let_go();
}

}  // namespace luksdetached
