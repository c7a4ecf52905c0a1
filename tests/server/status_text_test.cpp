#include "server/status_text.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

using nlohmann::ordered_json;

ordered_json a_report() {
  return ordered_json::parse(R"({
    "version": "0.1.0", "pid": 7, "started": "2026-11-28T06:00:00Z", "reloads": 0, "exports": [
      {"name": "vm1", "state": "open", "clients": 2, "size": 65536, "writable": true,
       "unlocked": "2026-11-28T06:00:01Z", "unlock-seconds": 1.5, "header": "/h", "keyslot": 1,
       "cipher": "aes-xts-plain64", "kernel": "vaes", "reconnects": 0,
       "requests": {"read": {"count": 4, "errors": 1, "bytes": 9},
                    "flush": {"count": 1, "errors": 0}}},
      {"name": "vm2-backup", "state": "failed", "clients": 0, "reason": "no such file",
       "retried": true},
      {"name": "vm3", "state": "waiting", "clients": 0}]})");
}

TEST(StatusText, HasALineForEachExport) {
  EXPECT_EQ(status_text(a_report()),
            "luksdetached 0.1.0, process 7, since 2026-11-28T06:00:00Z\n"
            "\n"
            "NAME        STATE    SIZE    CLIENTS  MODE        DETAILS\n"
            "vm1         open     64 KiB  2        read-write  aes-xts-plain64 (vaes), by key slot "
            "1 of /h at 2026-11-28T06:00:01Z, 5 requests, 1 failed\n"
            "vm2-backup  failed   -       0        -           no such file (is tried again)\n"
            "vm3         waiting  -       0        -           \n");
}

// What is said of the first export.
std::string details(const ordered_json& report) {
  const std::string text = status_text(report);
  const std::size_t begin = text.find("read-write  ") + 12;
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(StatusText, SaysThatTheVolumeKeyOpenedIt) {
  ordered_json report = a_report();
  report["exports"][0].erase("keyslot");
  EXPECT_TRUE(details(report).starts_with("aes-xts-plain64 (vaes), by the volume key and /h at "));
}

TEST(StatusText, SaysThatThePayloadCameBack) {
  ordered_json report = a_report();
  report["exports"][0]["reconnects"] = 2;
  EXPECT_TRUE(details(report).ends_with(", payload connected again 2 times"));
}

TEST(StatusText, SaysWhatIsWrongWithAnOpenExport) {
  ordered_json report = a_report();
  report["exports"][0]["warnings"] = {"the primary copy is damaged", "more"};
  EXPECT_TRUE(details(report).ends_with(", warning: the primary copy is damaged, warning: more"));
}

TEST(StatusText, SaysWhichExportIsBeingOpened) {
  ordered_json report = a_report();
  report["exports"][1]["opening"] = true;
  report["exports"][2]["opening"] = true;
  const std::string text = status_text(report);
  EXPECT_NE(text.find("no such file (is tried again now)\n"), std::string::npos);
  EXPECT_NE(text.find("is being opened\n"), std::string::npos);
}

TEST(StatusText, SaysWhenNothingFailed) {
  ordered_json report = a_report();
  report["exports"][0]["requests"] = {{"read", {{"count", 1}, {"errors", 0}}}};
  EXPECT_TRUE(details(report).ends_with(", 1 request, none failed"));
}

TEST(StatusText, SaysWhenTheLastReloadWas) {
  ordered_json report = a_report();
  report["last-reload"] = "2026-11-28T07:00:00Z";
  EXPECT_TRUE(status_text(report).starts_with(
      "luksdetached 0.1.0, process 7, since 2026-11-28T06:00:00Z, last reload at "
      "2026-11-28T07:00:00Z\n\nNAME"));
}

TEST(StatusText, SaysWhyTheLastReloadChangedNothing) {
  ordered_json report = a_report();
  report["last-reload"] = "2026-11-28T07:00:00Z";
  report["reload-error"] = "c.toml:1:1: a\x1b[2J mistake";
  EXPECT_NE(status_text(report).find(
                "last reload at 2026-11-28T07:00:00Z\n"
                "That reload changed nothing: c.toml:1:1: a\\x1b[2J mistake\n\nNAME"),
            std::string::npos);
}

// One of another version may say less.
TEST(StatusText, DoesWithoutWhatIsNotThere) {
  EXPECT_NE(status_text(ordered_json::parse(R"({"exports": [{"state": "open"}, {}]})")), "");
}

}  // namespace
}  // namespace luksdetached
