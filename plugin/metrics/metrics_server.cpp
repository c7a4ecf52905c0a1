#include "metrics/metrics_server.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/signals.h"
#include "base/unix_listener.h"
#include "metrics/tcp_listener.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_connections = 8;
// The library stops to accept connections at its own limit, where we close the oldest one instead:
// while the last of those that were closed are cleared away there must be room for new ones.
constexpr unsigned library_limit = 2 * max_connections;
// For the header of a request, and of the answer; the metrics themselves are not counted.
constexpr std::size_t connection_bytes = std::size_t{16} << 10;
constexpr unsigned idle_seconds = 10;

struct Answer {
  unsigned status;
  std::string body;
  const char* type = "text/plain; charset=utf-8";
};

}  // namespace

// What the library calls, in its thread.
struct MetricsServer::Callbacks {
  static Answer answer(const MetricsServer& server, std::string_view url, std::string_view method) {
    if (url != "/metrics") return {MHD_HTTP_NOT_FOUND, "only /metrics is here\n"};
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
      return {MHD_HTTP_METHOD_NOT_ALLOWED, "/metrics can only be read\n"};
    }
    return {MHD_HTTP_OK, server.report_(), "text/plain; version=0.0.4; charset=utf-8"};
  }

  // Once the header of a request is there; a body is not waited for.
  static MHD_Result request(void* server, MHD_Connection* connection, const char* url,
                            const char* method, const char* /*version*/, const char* /*body*/,
                            std::size_t* /*body_bytes*/, void** /*of_request*/) {
    try {
      const Answer is = answer(*static_cast<const MetricsServer*>(server), url, method);
      MHD_Response* response = MHD_create_response_from_buffer(
          is.body.size(), const_cast<char*>(is.body.data()), MHD_RESPMEM_MUST_COPY);
      if (response == nullptr) return MHD_NO;
      MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, is.type);
      MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
      if (is.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
      }
      const MHD_Result result = MHD_queue_response(connection, is.status, response);
      MHD_destroy_response(response);
      return result;
    } catch (const std::exception&) {
      return MHD_NO;  // out of memory: this connection is closed, the service goes on
    }
  }

  static void connection_changes(void* server, MHD_Connection* connection, void** /*of_connection*/,
                                 MHD_ConnectionNotificationCode change) {
    std::vector<MHD_Connection*>& all = static_cast<MetricsServer*>(server)->connections_;
    if (change == MHD_CONNECTION_NOTIFY_CLOSED) {
      std::erase(all, connection);
      return;
    }
    if (all.size() == max_connections) {
      const MHD_ConnectionInfo* oldest =
          MHD_get_connection_info(all.front(), MHD_CONNECTION_INFO_CONNECTION_FD);
      shutdown(oldest->connect_fd, SHUT_RDWR);
      all.erase(all.begin());
    }
    all.push_back(connection);  // start() has made room
  }
};

MetricsServer::MetricsServer(const std::string& path, uid_t owner)
    : listener_(listen_unix("the metrics socket", path, {.mode = 0600, .owner = owner})) {}

MetricsServer::MetricsServer(const std::string& host, std::uint16_t port, Reach reach)
    : listener_{listen_on_tcp("the metrics", host, port, reach), {}} {}

MetricsServer::~MetricsServer() {
  if (daemon_ == nullptr) return;
  MHD_stop_daemon(daemon_);
  listener_.file.remove();
}

void MetricsServer::start(std::function<std::string()> report) {
  report_ = std::move(report);
  connections_.reserve(max_connections);
  // A client that has gone again must not keep the thread in accept.
  fcntl(listener_.socket.get(), F_SETFL, O_NONBLOCK);
  const NoSignals in_thread;
  // The library's from now on, which closes it in the end, and may when it fails.
  const int listener = listener_.socket.release();
  daemon_ = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, &Callbacks::request,
                             this, MHD_OPTION_LISTEN_SOCKET, listener,                            //
                             MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::connection_changes, this,  //
                             MHD_OPTION_CONNECTION_LIMIT, library_limit,                          //
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_bytes,                //
                             MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_END);
  if (daemon_ != nullptr) return;
  throw Error(ErrorKind::source_unreachable,
              "cannot start the server of the metrics: " + errno_text(errno));
}

}  // namespace luksdetached
