#include "status_text.h"

#include <cstdint>
#include <vector>

#include "size_text.h"
#include "source/uri.h"
#include "text_table.h"

namespace luksdetached {

namespace {

using Json = nlohmann::ordered_json;

std::uint64_t number(const Json& object, const char* name) {
  return object.value(name, std::uint64_t{0});
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Each line is escaped: a message may hold text of the config.
std::string about_service(const Json& report) {
  std::string text = "luksdetached " + report.value("version", "") + ", process " +
                     std::to_string(number(report, "pid")) + ", since " +
                     report.value("started", "");
  const std::string last = report.value("last-reload", "");
  if (!last.empty()) text += ", last reload at " + last;
  text = escape_control(text) + "\n";
  const std::string error = report.value("reload-error", "");
  if (error.empty()) return text;
  return text + escape_control("That reload changed nothing: " + error) + "\n";
}

std::string requests_text(const Json& requests) {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  for (const Json& one : requests) {
    count += number(one, "count");
    errors += number(one, "errors");
  }
  return counted(count, "request", "requests") + ", " +
         (errors == 0 ? "none" : std::to_string(errors)) + " failed";
}

std::string details(const Json& one) {
  const bool is_being_opened = one.value("opening", false);
  if (one.contains("reason")) {
    return one.value("reason", "") + (is_being_opened               ? " (is tried again now)"
                                      : one.value("retried", false) ? " (is tried again)"
                                                                    : "");
  }
  if (!one.contains("unlocked")) return is_being_opened ? "is being opened" : "";
  std::string text = one.value("cipher", "") + " (" + one.value("kernel", "") + "), by ";
  text += one.contains("keyslot") ? "key slot " + std::to_string(number(one, "keyslot")) + " of "
                                  : "the volume key and ";
  text += one.value("header", "") + " at " + one.value("unlocked", "");
  if (one.contains("requests")) text += ", " + requests_text(one["requests"]);
  const std::uint64_t reconnects = number(one, "reconnects");
  if (reconnects != 0) {
    text += ", payload connected again " + counted(reconnects, "time", "times");
  }
  for (const Json& warning : one.value("warnings", Json::array())) {
    text += ", warning: " + warning.get<std::string>();
  }
  return text;
}

Row row_of(const Json& one) {
  const bool open = one.value("state", "") == "open";
  return {one.value("name", ""),
          one.value("state", ""),
          open ? size_text(number(one, "size")) : "-",
          std::to_string(number(one, "clients")),
          !open                          ? "-"
          : one.value("writable", false) ? "read-write"
                                         : "read-only",
          details(one)};
}

}  // namespace

std::string status_text(const Json& report) {
  std::vector<Row> rows{{"NAME", "STATE", "SIZE", "CLIENTS", "MODE", "DETAILS"}};
  for (const Json& one : report["exports"]) rows.push_back(row_of(one));
  return about_service(report) + "\n" + text_table(std::move(rows), 0);
}

}  // namespace luksdetached
