// Connections to a server of our own, for sources that are not files and not NBD.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "source/child_server.h"
#include "source/nbd_connector.h"

namespace luksdetached {

/// A ChildServer that is started anew for each set of connections. It ends with the thread that
/// made the last set.
class ChildConnector final : public NbdConnector {
 public:
  /// `uri` is of Scheme::child. Throws as ChildServer does. At most `connections` in a set.
  ChildConnector(Uri uri, Access access, bool insecure, unsigned connections, NbdHoles holes,
                 ChildServer::Tell tell);

  const std::string& name() const noexcept override { return uri_.name; }
  void prepare() override { server_.restart(); }
  bool renews_server() const noexcept override { return true; }
  bool gathers_writes() const noexcept override { return !opens_anew(); }
  /// nbdkit's curl and ssh plugins connect to their servers when they are connected to.
  bool opens_anew() const noexcept override {
    return std::holds_alternative<HttpFile>(uri_.child) ||
           std::holds_alternative<SshFile>(uri_.child);
  }
  std::unique_ptr<NbdConnection> connect(const NbdDeadlines& deadlines) override;
  void start() override { server_.start_logging(); }
  void end() noexcept override { server_.stop(); }

 private:
  Uri uri_;
  NbdHoles holes_;
  ChildServer server_;
};

}  // namespace luksdetached
