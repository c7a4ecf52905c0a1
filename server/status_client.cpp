#include "status_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "base/unix_socket.h"
#include "config/service_config.h"

namespace luksdetached {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};
constexpr std::size_t max_report_bytes = std::size_t{16} << 20;

std::runtime_error no_answer(const std::string& path, int code) {
  const bool timed_out = code == EAGAIN || code == EWOULDBLOCK;
  return std::runtime_error(
      "the service does not answer on its status socket " + path + ": " +
      (timed_out ? "it took too long" : std::generic_category().message(code)));
}

// Lets the next call on `fd` wait until `end` at most.
void limit_waiting(const FileDescriptor& fd, Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now());
  const auto microseconds = std::max<std::int64_t>(left.count(), 1);  // 0 would be for ever
  const timeval limit{microseconds / 1'000'000, microseconds % 1'000'000};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string ask(const std::string& path, std::string_view request) {
  const Clock::time_point end = Clock::now() + patience;
  const FileDescriptor fd = new_unix_socket();
  limit_waiting(fd, end);
  if (!connect_unix(fd, path)) throw no_answer(path, errno);
  // It is far less than a socket takes at once. Who does not want it may have answered all the same.
  [[maybe_unused]] const ssize_t sent =
      send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string report;
  char buffer[4096];
  for (;;) {
    limit_waiting(fd, end);
    const ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw no_answer(path, errno);
    if (got == 0) return report;
    report.append(buffer, static_cast<std::size_t>(got));
    if (report.size() > max_report_bytes) throw std::runtime_error("the status report has no end");
  }
}

// Is `report` what a StatusServer says, as far as the commands look at it?
bool is_report(const nlohmann::ordered_json& report) {
  if (!report.is_object() || !report.contains("exports") || !report["exports"].is_array()) {
    return false;
  }
  const auto has = [](const auto& object, const char* name, auto is_right) {
    return !object.contains(name) || (object[name].*is_right)();
  };
  using Json = nlohmann::ordered_json;
  if (!has(report, "reloads", &Json::is_number_unsigned) ||
      !has(report, "reload-error", &Json::is_string)) {
    return false;
  }
  return std::all_of(report["exports"].begin(), report["exports"].end(), [&](const Json& one) {
    return one.is_object() && has(one, "name", &Json::is_string) &&
           has(one, "state", &Json::is_string) && has(one, "reason", &Json::is_string) &&
           has(one, "size", &Json::is_number_unsigned) &&
           has(one, "clients", &Json::is_number_unsigned) &&
           has(one, "retried", &Json::is_boolean) && has(one, "writable", &Json::is_boolean);
  });
}

}  // namespace

nlohmann::ordered_json ask_service(const ServiceConfig& config, Request request) {
  if (config.status.empty()) {
    throw std::runtime_error("the config file names no status socket (status in [service])");
  }
  auto report = nlohmann::ordered_json::parse(
      ask(config.status, request == Request::reload ? "reload\n" : "status\n"), nullptr, false);
  if (!is_report(report)) {
    throw std::runtime_error("the answer on " + config.status + " is not a status report");
  }
  return report;
}

}  // namespace luksdetached
