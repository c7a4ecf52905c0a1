#include "audit.h"

#include <utility>

namespace luksdetached {

namespace {

void add_dropped(AuditLine& line, unsigned long dropped) {
  if (dropped != 0) line.number("dropped", static_cast<std::int64_t>(dropped));
}

}  // namespace

void Audit::unlocked(std::string_view name, const UnlockFacts& facts) {
  AuditLine line("unlock");
  line.text("export", name);
  if (facts.keyslot) {
    line.number("keyslot", *facts.keyslot);
  } else {
    line.word("keyslot", "none");
  }
  line.text("header", facts.header);
  log_.write(LogLevel::notice, line.line());
}

void Audit::removed(std::string_view name, std::string_view detail) {
  log_.write(LogLevel::notice,
             AuditLine("remove").text("export", name).text("detail", detail).line());
}

void Audit::connected(const Peer& peer) {
  const auto dropped = connects_.admit(LogLimit::Clock::now());
  if (!dropped) return;
  AuditLine line("connect");
  add_peer(line, peer);
  add_dropped(line, *dropped);
  log_.write(LogLevel::info, line.line());
}

void Audit::refused(std::optional<std::string_view> name, const Peer& peer,
                    std::string_view reason) {
  const auto dropped = refusals_.admit(LogLimit::Clock::now());
  if (!dropped) return;
  AuditLine line("refusal");
  if (name) line.text("export", *name);
  add_peer(line, peer);
  add_dropped(line, *dropped);
  line.text("reason", reason);
  log_.write(LogLevel::warning, line.line());
}

void Audit::end() {
  const std::lock_guard lock(mutex_);
  for (const Opened* one : open_) one->close();
  open_.clear();
}

Audit::Opened::Opened(Audit& audit, std::string name, Peer peer, bool read_only)
    : audit_(audit), name_(std::move(name)), peer_(std::move(peer)) {
  {
    const std::lock_guard lock(audit_.mutex_);
    number_ = ++audit_.connections_;
    audit_.open_.insert(this);
  }
  audit_.log_.write(LogLevel::info,
                    line("open").word("access", read_only ? "read-only" : "read-write").line());
}

Audit::Opened::~Opened() {
  const std::lock_guard lock(audit_.mutex_);
  if (audit_.open_.erase(this) != 0) close();
}

void Audit::Opened::close() const {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since_);
  audit_.log_.write(LogLevel::info, line("close").number("seconds", seconds.count()).line());
}

AuditLine Audit::Opened::line(std::string_view event) const {
  AuditLine line(event);
  line.text("export", name_);
  add_peer(line, peer_);
  line.number("connection", static_cast<std::int64_t>(number_));
  return line;
}

}  // namespace luksdetached
