#include "readiness.h"

#include <algorithm>
#include <cstdio>

#include "source/uri.h"

namespace luksdetached {

namespace {

using Json = nlohmann::ordered_json;

// Why the export is not open; empty when it is.
std::string hindrance(const Json& one) {
  const std::string state = one.value("state", "");
  if (state == "open") return {};
  if (one.contains("reason")) {
    return state + ": " + one.value("reason", "") +
           (one.value("retried", false) ? " (is tried again)" : "");
  }
  return state +
         (one.value("opening", false) ? ": it is being opened" : ": others are opened first");
}

}  // namespace

bool tell_unready(const Json& report, const std::vector<std::string>& names) {
  const Json& all = report["exports"];
  std::vector<std::string> wanted = names;
  if (wanted.empty()) {
    for (const Json& one : all) wanted.push_back(one.value("name", ""));
  }
  bool all_are_open = true;
  for (const std::string& name : wanted) {
    const auto found =
        std::ranges::find_if(all, [&](const Json& one) { return one.value("name", "") == name; });
    const std::string why = found == all.end() ? "there is none" : hindrance(*found);
    if (why.empty()) continue;
    std::fprintf(stderr, "luksdetached: export %s is not ready: %s\n", escape_control(name).c_str(),
                 escape_control(why).c_str());
    all_are_open = false;
  }
  return all_are_open;
}

}  // namespace luksdetached
