#include "status_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/unix_socket.h"
#include "config/service_config.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_report_bytes = std::size_t{16} << 20;

std::runtime_error no_answer(const std::string& path, int code) {
  const bool timed_out = code == EAGAIN || code == EWOULDBLOCK;
  return std::runtime_error(
      "the service does not answer on its status socket " + path + ": " +
      (timed_out ? "it took too long" : std::generic_category().message(code)));
}

std::string read_report(const std::string& path) {
  const FileDescriptor fd = new_unix_socket();
  const timeval limit{5, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (!connect_unix(fd, path)) throw no_answer(path, errno);
  std::string report;
  char buffer[4096];
  for (;;) {
    const ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw no_answer(path, errno);
    if (got == 0) return report;
    report.append(buffer, static_cast<std::size_t>(got));
    if (report.size() > max_report_bytes) throw std::runtime_error("the status report has no end");
  }
}

}  // namespace

nlohmann::ordered_json fetch_status(const ServiceConfig& config) {
  if (config.status.empty()) {
    throw std::runtime_error("the config file names no status socket (status in [service])");
  }
  auto report = nlohmann::ordered_json::parse(read_report(config.status), nullptr, false);
  if (!report.is_object() || !report.contains("exports") || !report["exports"].is_array()) {
    throw std::runtime_error("the answer on " + config.status + " is not a status report");
  }
  return report;
}

}  // namespace luksdetached
