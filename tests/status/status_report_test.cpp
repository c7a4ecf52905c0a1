#include "status/status_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

namespace luksdetached {
namespace {

using nlohmann::json;

ExportStatus failed(const std::string& name, const std::string& reason) {
  ExportStatus status;
  status.name = name;
  status.state = ExportState::failed;
  status.reason = reason;
  return status;
}

TEST(StatusReport, HasWhatEachStateHas) {
  ExportStatus open;
  open.name = "vm1";
  open.state = ExportState::open;
  open.size = 65536;
  open.writable = true;
  open.clients = 2;
  ExportStatus waiting;
  waiting.name = "vm3";
  const json expected = {
      {"version", LUKSDETACHED_VERSION},
      {"pid", getpid()},
      {"reloads", 0},
      {"exports",
       {{{"name", "vm1"}, {"state", "open"}, {"clients", 2}, {"size", 65536}, {"writable", true}},
        {{"name", "vm2"},
         {"state", "failed"},
         {"clients", 0},
         {"reason", "no such file"},
         {"retried", false}},
        {{"name", "vm3"}, {"state", "waiting"}, {"clients", 0}}}}};
  EXPECT_EQ(json::parse(status_report({open, failed("vm2", "no such file"), waiting}, {})),
            expected);
}

TEST(StatusReport, SaysHowTheLastReloadWent) {
  EXPECT_EQ(json::parse(status_report({}, {2, ""}))["reloads"], 2);
  EXPECT_FALSE(json::parse(status_report({}, {2, ""})).contains("reload-error"));
  EXPECT_EQ(json::parse(status_report({}, {3, "a mistake"}))["reload-error"], "a mistake");
}

TEST(StatusReport, IsOneLine) {
  const std::string report = status_report({failed("a\nb", "x\ny")}, {});
  EXPECT_EQ(report.find('\n'), report.size() - 1);
  EXPECT_EQ(json::parse(report)["exports"][0]["name"], "a\nb");
}

TEST(StatusReport, WithoutExportsHasAnEmptyList) {
  EXPECT_EQ(json::parse(status_report({}, {}))["exports"], json::array());
}

TEST(StatusReport, BytesThatAreNotUtf8AreReplaced) {
  const std::string report = status_report({failed("a", "/srv/\xff.img")}, {});
  EXPECT_EQ(json::parse(report)["exports"][0]["reason"], "/srv/\xef\xbf\xbd.img");
}

}  // namespace
}  // namespace luksdetached
