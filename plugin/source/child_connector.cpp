#include "source/child_connector.h"

#include <utility>

#include "base/error.h"

namespace luksdetached {

ChildConnector::ChildConnector(Uri uri, Access access, bool insecure, unsigned connections,
                               NbdHoles holes, ChildServer::Tell tell)
    : uri_(std::move(uri)),
      holes_(holes),
      server_(uri_, access, insecure, connections, std::move(tell)) {}

std::unique_ptr<NbdConnection> ChildConnector::connect(const NbdDeadlines& deadlines) {
  try {
    FileDescriptor socket = server_.connect();
    if (!socket) {
      throw Error(ErrorKind::source_unreachable,
                  "cannot open " + name() + ": its server has ended");
    }
    return std::make_unique<NbdConnection>(std::move(socket), uri_, deadlines, holes_);
  } catch (const Error& error) {
    // A server that cannot open its source says why in its log, and to clients only that it cannot.
    const std::string reason = server_.last_words();
    if (reason.empty()) throw;
    throw Error(error.kind(), "cannot open " + name() + ": " + reason, error.errno_code());
  }
}

}  // namespace luksdetached
