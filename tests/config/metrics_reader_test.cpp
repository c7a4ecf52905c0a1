#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "config/service_config.h"
#include "source/uri.h"

namespace luksdetached {
namespace {

ServiceConfig config_with(const std::string& lines) {
  return parse_config("[service]\nlisten = [\"unix:/run/nbd.sock\"]\n" + lines +
                          "\n[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = "
                          "\"/s\"\n",
                      "F", [](std::string_view uri) { return parse_uri(uri).place; });
}

// What is said of these lines of [service], of which the first is the third of the file.
std::string complaint(const std::string& lines) {
  try {
    config_with(lines);
    return "good";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

TEST(MetricsReader, ThereAreNoneUnlessTheyAreAskedFor) {
  EXPECT_FALSE(config_with("").metrics);
}

TEST(MetricsReader, TakesAUnixSocket) {
  const auto config = config_with("metrics = \"unix:/run/metrics.sock\"");
  ASSERT_TRUE(config.metrics);
  EXPECT_EQ(config.metrics->kind, Listener::Kind::unix_socket);
  EXPECT_EQ(config.metrics->path, "/run/metrics.sock");
}

TEST(MetricsReader, TheFolderOfTheSocketIsNeeded) {
  const auto config = config_with("metrics = \"unix:/run/x/metrics.sock\"");
  const auto needed = std::ranges::find(config.needed_files, "metrics", &NeededFile::key);
  ASSERT_NE(needed, config.needed_files.end());
  EXPECT_EQ(needed->path, "/run/x/");
  EXPECT_EQ(needed->line, 3u);
}

TEST(MetricsReader, TakesAddressesOfThisMachine) {
  for (const std::string host : {"127.0.0.1", "127.1.2.3", "localhost", "[::1]"}) {
    const auto config = config_with("metrics = \"tcp:" + host + ":9810\"");
    ASSERT_TRUE(config.metrics) << host;
    EXPECT_EQ(config.metrics->kind, Listener::Kind::tcp);
    EXPECT_EQ(config.metrics->port, 9810);
  }
  EXPECT_EQ(config_with("metrics = \"tcp:[::1]:1\"").metrics->host, "::1");
}

TEST(MetricsReader, OthersNeedInsecure) {
  const std::string why =
      "F:3:11: metrics in [service] is beyond loopback, where everybody may read them: that needs "
      "insecure = true";
  for (const std::string host : {"0.0.0.0", "[::]", "127.example.com", "10.0.0.1", "localhost.x"}) {
    const std::string line = "metrics = \"tcp:" + host + ":9810\"";
    EXPECT_EQ(complaint(line), why) << host;
    EXPECT_EQ(complaint(line + "\ninsecure = true"), "good") << host;
  }
}

TEST(MetricsReader, SaysWhatIsNoAddress) {
  const auto said = [](const std::string& address) {
    return complaint("metrics = \"" + address + "\"");
  };
  const std::string place = "F:3:11: ";
  for (const char* const address :
       {"", "/run/metrics.sock", "http://127.0.0.1:9810", "vsock:1", "systemd"}) {
    EXPECT_EQ(said(address), place +
                                 "metrics in [service] is not understood: expected unix:/PATH or "
                                 "tcp:HOST:PORT")
        << address;
  }
  for (const char* const address : {"tcp:", "tcp:127.0.0.1", "tcp::9810", "tcp:127.0.0.1:",
                                    "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:9810x",
                                    "tcp:127.0.0.1:-1", "tcp:::1:9810", "tcp:[::1]", "tcp:a b:1"}) {
    EXPECT_TRUE(said(address).starts_with(place + "listener 'tcp:")) << said(address);
  }
  EXPECT_EQ(said("unix:metrics.sock"), place + "metrics in [service] must be an absolute path");
  EXPECT_EQ(said("unix:/" + std::string(107, 'x')),
            place +
                "metrics in [service] is longer than 107 bytes, which is all that a unix "
                "socket can have");
  EXPECT_EQ(complaint("metrics = 9810"),
            place + "metrics in [service] must be a string, not an integer");
}

TEST(MetricsReader, ASocketIsForOneThing) {
  EXPECT_EQ(complaint("metrics = \"unix:/run/nbd.sock\""),
            "F:3:11: metrics in [service] and listen are the same address");
  EXPECT_EQ(complaint("metrics = \"unix:/run/s\"\nstatus = \"/run/s\""),
            "F:3:11: metrics in [service] is the socket of status, too");
}

TEST(MetricsReader, ANewAddressNeedsARestart) {
  const auto before = config_with("metrics = \"tcp:127.0.0.1:1\"");
  EXPECT_EQ(fixed_differences(before, config_with("metrics = \"tcp:127.0.0.1:2\"")), "metrics");
  EXPECT_EQ(fixed_differences(before, config_with("")), "metrics");
  EXPECT_EQ(fixed_differences(before, before), "");
}

}  // namespace
}  // namespace luksdetached
