#include "status_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/unix_socket.h"
#include "config/service_config.h"

namespace luksdetached {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};
constexpr std::size_t max_report_bytes = std::size_t{16} << 20;

Error no_answer(const std::string& path, int code) {
  const bool timed_out = code == EAGAIN || code == EWOULDBLOCK;
  return {ErrorKind::source_unreachable,
          "the service does not answer on its status socket " + path + ": " +
              (timed_out ? "it took too long" : std::generic_category().message(code)),
          code};
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
  // It is far less than a socket takes at once. Who does not want it may have answered all the
  // same.
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
    if (report.size() > max_report_bytes)
      throw Error(ErrorKind::io, "the status report has no end");
  }
}

using Json = nlohmann::ordered_json;

// A member, and what tells whether it is of its type.
struct Member {
  const char* name;
  bool (Json::*is_right)() const noexcept;
};

// Is it an object whose members, as far as it has them, are of their types?
bool has_types(const Json& object, std::initializer_list<Member> members) {
  return object.is_object() && std::ranges::all_of(members, [&](const Member& member) {
           const auto found = object.find(member.name);
           return found == object.end() || ((*found).*member.is_right)();
         });
}

bool is_count(const Json& one) {
  return has_types(one, {{"count", &Json::is_number_unsigned},
                         {"errors", &Json::is_number_unsigned},
                         {"bytes", &Json::is_number_unsigned}});
}

bool is_export(const Json& one) {
  return has_types(one, {{"name", &Json::is_string},
                         {"state", &Json::is_string},
                         {"reason", &Json::is_string},
                         {"size", &Json::is_number_unsigned},
                         {"clients", &Json::is_number_unsigned},
                         {"retried", &Json::is_boolean},
                         {"opening", &Json::is_boolean},
                         {"warnings", &Json::is_array},
                         {"writable", &Json::is_boolean},
                         {"unlocked", &Json::is_string},
                         {"header", &Json::is_string},
                         {"keyslot", &Json::is_number_unsigned},
                         {"cipher", &Json::is_string},
                         {"kernel", &Json::is_string},
                         {"reconnects", &Json::is_number_unsigned},
                         {"requests", &Json::is_object}}) &&
         (!one.contains("warnings") || std::ranges::all_of(one["warnings"], &Json::is_string)) &&
         (!one.contains("requests") || std::ranges::all_of(one["requests"], is_count));
}

// Is `report` what a StatusServer says, as far as the commands look at it?
bool is_report(const Json& report) {
  return has_types(report, {{"exports", &Json::is_array},
                            {"version", &Json::is_string},
                            {"pid", &Json::is_number_unsigned},
                            {"started", &Json::is_string},
                            {"reloads-asked", &Json::is_number_unsigned},
                            {"reloads-answered", &Json::is_number_unsigned},
                            {"reloads", &Json::is_number_unsigned},
                            {"last-reload", &Json::is_string},
                            {"reload-error", &Json::is_string}}) &&
         report.contains("exports") && std::ranges::all_of(report["exports"], is_export);
}

}  // namespace

nlohmann::ordered_json ask_service(const std::string& path, Request request) {
  if (path.empty()) {
    throw Error(ErrorKind::source_unreachable,
                "the config file names no status socket (status in [service])");
  }
  auto report = nlohmann::ordered_json::parse(
      ask(path, request == Request::reload ? "reload\n" : "status\n"), nullptr, false);
  if (!is_report(report)) {
    throw Error(ErrorKind::io, "the answer on " + path + " is not a status report");
  }
  return report;
}

}  // namespace luksdetached
