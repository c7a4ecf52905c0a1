#include "status/metrics_report.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace luksdetached {
namespace {

using namespace std::chrono_literals;

ExportStatus an_export(const std::string& name, ExportState state) {
  ExportStatus status;
  status.name = name;
  status.state = state;
  status.requests = std::make_shared<RequestCounters>();
  return status;
}

// An export that had a read of 4096 bytes in 70 microseconds, and one that failed after 2 seconds.
ExportStatus used(const std::string& name) {
  ExportStatus status = an_export(name, ExportState::open);
  const auto requests = std::make_shared<RequestCounters>();
  requests->add(Operation::read, 4096, 70us, false);
  requests->add(Operation::read, 4096, 2s, true);
  status.requests = requests;
  status.clients = 3;
  status.reconnects = 4;
  status.unlocked = UnlockFacts{.header = "/h", .keyslot = 0, .duration = 1500ms};
  return status;
}

// `line` is a whole line of `text`.
::testing::AssertionResult has(const std::string& text, const std::string& line) {
  if (("\n" + text).find("\n" + line + "\n") != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "no line '" << line << "' in:\n" << text;
}

TEST(MetricsReport, CountsRequests) {
  const std::string text = metrics_report({used("vm1")}, {});
  EXPECT_TRUE(has(text, R"(luksdetached_requests_total{export="vm1",operation="read"} 2)"));
  EXPECT_TRUE(has(text, R"(luksdetached_errors_total{export="vm1",operation="read"} 1)"));
  EXPECT_TRUE(has(text, R"(luksdetached_bytes_total{export="vm1",operation="read"} 4096)"));
}

// So that the first error is a step from 0, which an alert can see.
TEST(MetricsReport, CountsOfWhatHasNotHappenedAreThere) {
  const std::string text = metrics_report({an_export("a", ExportState::waiting)}, {});
  EXPECT_TRUE(has(text, R"(luksdetached_errors_total{export="a",operation="write"} 0)"));
  EXPECT_TRUE(has(text, R"(luksdetached_bytes_total{export="a",operation="trim"} 0)"));
}

TEST(MetricsReport, BucketsAddUp) {
  const std::string text = metrics_report({used("a")}, {});
  const std::string metric = "luksdetached_request_duration_seconds";
  const std::string bucket = metric + R"(_bucket{export="a",operation="read",le=")";
  EXPECT_TRUE(has(text, bucket + "0.00005\"} 0"));
  EXPECT_TRUE(has(text, bucket + "0.0001\"} 1"));
  EXPECT_TRUE(has(text, bucket + "1\"} 1"));
  EXPECT_TRUE(has(text, bucket + "2.5\"} 2"));
  EXPECT_TRUE(has(text, bucket + "+Inf\"} 2"));
  EXPECT_TRUE(has(text, metric + R"(_count{export="a",operation="read"} 2)"));
  EXPECT_TRUE(has(text, metric + R"(_sum{export="a",operation="read"} 2.00007)"));
}

// 20 lines for each would make a thousand idle exports dear.
TEST(MetricsReport, HistogramsAreOfWhatThereWas) {
  const std::string text = metrics_report({used("a")}, {});
  EXPECT_EQ(text.find("_bucket{export=\"a\",operation=\"write\""), std::string::npos);
}

TEST(MetricsReport, AFlushHasNoBytes) {
  const std::string text = metrics_report({used("a")}, {});
  EXPECT_EQ(text.find(R"(bytes_total{export="a",operation="flush")"), std::string::npos);
}

TEST(MetricsReport, AnExportIsInOneState) {
  const std::string text =
      metrics_report({an_export("a", ExportState::waiting), an_export("b", ExportState::open),
                      an_export("c", ExportState::failed)},
                     {});
  const auto state = [&](const char* name, const char* word, int value) {
    return has(text, "luksdetached_export_state{export=\"" + std::string(name) + "\",state=\"" +
                         word + "\"} " + std::to_string(value));
  };
  EXPECT_TRUE(state("a", "waiting", 1) && state("a", "open", 0) && state("a", "failed", 0));
  EXPECT_TRUE(state("b", "waiting", 0) && state("b", "open", 1) && state("b", "failed", 0));
  EXPECT_TRUE(state("c", "waiting", 0) && state("c", "open", 0) && state("c", "failed", 1));
}

TEST(MetricsReport, SaysWhatElseIsKnownOfAnExport) {
  const std::string text = metrics_report({used("a"), an_export("b", ExportState::failed)}, {});
  EXPECT_TRUE(has(text, R"(luksdetached_export_clients{export="a"} 3)"));
  EXPECT_TRUE(has(text, R"(luksdetached_source_reconnects_total{export="a"} 4)"));
  EXPECT_TRUE(has(text, R"(luksdetached_unlock_seconds{export="a"} 1.5)"));
  EXPECT_EQ(text.find(R"(luksdetached_unlock_seconds{export="b"})"), std::string::npos);
}

TEST(MetricsReport, SaysHowReloadsWent) {
  const std::string good = metrics_report({}, {.reloads = 3, .failures = 1});
  EXPECT_TRUE(has(good, "luksdetached_reloads_total 3"));
  EXPECT_TRUE(has(good, "luksdetached_reload_errors_total 1"));
  EXPECT_TRUE(has(good, "luksdetached_last_reload_successful 1"));
  const std::string bad = metrics_report({}, {.reloads = 4, .failures = 2, .error = "c.toml:1:1"});
  EXPECT_TRUE(has(bad, "luksdetached_last_reload_successful 0"));
  EXPECT_EQ(bad.find("c.toml"), std::string::npos);
}

TEST(MetricsReport, ANameCannotForgeASample) {
  const std::string text = metrics_report({an_export("x\"} 1\n", ExportState::open)}, {});
  EXPECT_TRUE(has(text, R"(luksdetached_export_clients{export="x\"} 1\n"} 0)"));
}

TEST(MetricsReport, SaysWhatRuns) {
  const std::string text = metrics_report({}, {});
  EXPECT_TRUE(has(text, R"(luksdetached_build_info{version=")" LUKSDETACHED_VERSION "\"} 1"));
  EXPECT_NE(text.find("\nprocess_open_fds "), std::string::npos);
}

}  // namespace
}  // namespace luksdetached
