// How connections to one NBD server are made, and made again.
#pragma once

#include <memory>
#include <string>

#include "source/nbd_connection.h"

namespace luksdetached {

/// One NBD server: somebody else's at an address, or one that this process runs itself. Used by one
/// thread at a time.
class NbdConnector {
 public:
  NbdConnector() = default;
  NbdConnector(const NbdConnector&) = delete;
  NbdConnector& operator=(const NbdConnector&) = delete;
  virtual ~NbdConnector() = default;

  /// What to call it in messages: redacted.
  virtual const std::string& name() const noexcept = 0;

  /// Called before the connections of a new set are made. Throws Error(source_unreachable).
  virtual void prepare() {}

  /// True when `prepare` starts a server of our own, which belongs to the thread that calls it.
  virtual bool renews_server() const noexcept { return false; }

  /// True when the server may have what was written in its own memory until a flush, so that it is
  /// lost when the server ends before. Of somebody else's server that is not known.
  virtual bool gathers_writes() const noexcept { return false; }

  /// True when the server opens what it serves anew for each connection, so that an error may be
  /// one of the old connection alone.
  virtual bool opens_anew() const noexcept { return false; }

  /// Called once, in the process that serves: threads may start.
  virtual void start() {}

  /// Called last, by the thread that called `prepare` last, when no connection is left.
  virtual void end() noexcept {}

  /// One more connection. Throws as NbdConnection does.
  virtual std::unique_ptr<NbdConnection> connect(const NbdDeadlines& deadlines) = 0;
};

/// A server that somebody else runs.
class NbdAddress final : public NbdConnector {
 public:
  /// `uri` must be of an NBD scheme and have passed `check_tls_policy`.
  NbdAddress(Uri uri, NbdHoles holes) : uri_(std::move(uri)), holes_(holes) {}

  const std::string& name() const noexcept override { return uri_.name; }
  std::unique_ptr<NbdConnection> connect(const NbdDeadlines& deadlines) override {
    return std::make_unique<NbdConnection>(uri_, deadlines, holes_);
  }

 private:
  Uri uri_;
  NbdHoles holes_;
};

}  // namespace luksdetached
