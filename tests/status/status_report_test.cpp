#include "status/status_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace luksdetached {
namespace {

using nlohmann::json;

const auto started = std::chrono::system_clock::from_time_t(86'400);

json report_of(const std::vector<ExportStatus>& exports, const ReloadStatus& reload = {}) {
  return json::parse(status_report(started, exports, reload));
}

ExportStatus failed(const std::string& name, const std::string& reason) {
  ExportStatus status;
  status.name = name;
  status.state = ExportState::failed;
  status.reason = reason;
  return status;
}

// As Export::status says it of an open one.
ExportStatus open(const std::string& name) {
  ExportStatus status;
  status.name = name;
  status.state = ExportState::open;
  status.size = 65536;
  status.writable = true;
  status.clients = 2;
  status.reconnects = 1;
  status.unlocked = UnlockFacts{.header = "nbd://server/vm1",
                                .keyslot = 3,
                                .cipher = "aes-xts-plain64",
                                .kernel = "aes-ni",
                                .at = std::chrono::system_clock::from_time_t(86'401),
                                .duration = std::chrono::milliseconds(1500)};
  status.requests = std::make_shared<RequestCounters>();
  return status;
}

TEST(StatusReport, HasWhatEachStateHas) {
  ExportStatus waiting;
  waiting.name = "vm3";
  const json expected = {{"version", LUKSDETACHED_VERSION},
                         {"pid", getpid()},
                         {"started", "1970-01-02T00:00:00Z"},
                         {"reloads-asked", 0},
                         {"reloads-answered", 0},
                         {"reloads", 0},
                         {"exports",
                          {{{"name", "vm1"},
                            {"state", "open"},
                            {"clients", 2},
                            {"size", 65536},
                            {"writable", true},
                            {"unlocked", "1970-01-02T00:00:01Z"},
                            {"unlock-seconds", 1.5},
                            {"header", "nbd://server/vm1"},
                            {"keyslot", 3},
                            {"cipher", "aes-xts-plain64"},
                            {"kernel", "aes-ni"},
                            {"reconnects", 1},
                            {"requests", json::object()}},
                           {{"name", "vm2"},
                            {"state", "failed"},
                            {"clients", 0},
                            {"reason", "no such file"},
                            {"retried", false}},
                           {{"name", "vm3"}, {"state", "waiting"}, {"clients", 0}}}}};
  EXPECT_EQ(report_of({open("vm1"), failed("vm2", "no such file"), waiting}), expected);
}

TEST(StatusReport, HasWhatIsWrongWithAnOpenExport) {
  ExportStatus status = open("vm1");
  status.unlocked->warnings = {"the primary copy is damaged"};
  EXPECT_EQ(report_of({status})["exports"][0]["warnings"], json{"the primary copy is damaged"});
}

TEST(StatusReport, SaysWhichExportIsBeingOpened) {
  ExportStatus status;
  status.is_being_opened = true;
  EXPECT_EQ(report_of({status})["exports"][0]["opening"], true);
}

TEST(StatusReport, WhatItsVolumeKeyOpenedHasNoKeySlot) {
  ExportStatus status = open("vm1");
  status.unlocked->keyslot.reset();
  EXPECT_FALSE(report_of({status})["exports"][0].contains("keyslot"));
}

TEST(StatusReport, HasTheOperationsThatThereWere) {
  const auto requests = std::make_shared<RequestCounters>();
  requests->add(Operation::read, 4096, std::chrono::seconds(1), false);
  requests->add(Operation::read, 512, std::chrono::seconds(1), true);
  requests->add(Operation::flush, 0, std::chrono::seconds(1), false);
  ExportStatus status = open("vm1");
  status.requests = requests;
  const json expected = {{"read", {{"count", 2}, {"errors", 1}, {"bytes", 4096}}},
                         {"flush", {{"count", 1}, {"errors", 0}}}};
  EXPECT_EQ(report_of({status})["exports"][0]["requests"], expected);
}

TEST(StatusReport, SaysHowTheLastReloadWent) {
  const auto last = std::chrono::system_clock::from_time_t(90'000);
  const json good = report_of({}, {.reloads = 2, .failures = 1, .error = "", .last = last});
  EXPECT_EQ(good["reloads"], 2);
  EXPECT_EQ(good["reload-failures"], 1);
  EXPECT_EQ(good["last-reload"], "1970-01-02T01:00:00Z");
  EXPECT_FALSE(good.contains("reload-error"));
  const json bad = report_of({}, {.reloads = 3, .failures = 2, .error = "a mistake", .last = last});
  EXPECT_EQ(bad["reload-error"], "a mistake");
}

TEST(StatusReport, IsOneLine) {
  const std::string report = status_report(started, {failed("a\nb", "x\ny")}, {});
  EXPECT_EQ(report.find('\n'), report.size() - 1);
  EXPECT_EQ(json::parse(report)["exports"][0]["name"], "a\nb");
}

TEST(StatusReport, WithoutExportsHasAnEmptyList) {
  EXPECT_EQ(report_of({})["exports"], json::array());
}

TEST(StatusReport, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(report_of({failed("a", "/srv/\xff.img")})["exports"][0]["reason"],
            "/srv/\xef\xbf\xbd.img");
}

}  // namespace
}  // namespace luksdetached
