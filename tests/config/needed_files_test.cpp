#include "config/needed_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace luksdetached {
namespace {

const UriReader any_uri = [](std::string_view uri) { return std::string(uri); };

class NeededFilesTest : public ::testing::Test {
 protected:
  NeededFilesTest() {
    char name[] = "/tmp/luksdetached-needed-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  ~NeededFilesTest() override { std::filesystem::remove_all(folder_); }

  void touch(const std::string& name) const { std::ofstream(folder_ + "/" + name) << "x"; }

  // What is said of a config with these lines in [service], from line 2 on; FOLDER is a folder.
  std::string complaint(std::string lines) const {
    for (std::size_t at; (at = lines.find("FOLDER")) != std::string::npos;) {
      lines.replace(at, 6, folder_);
    }
    const ServiceConfig config = parse_config(
        "[service]\n" + lines +
            "\n[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\"\n",
        "F", any_uri);
    try {
      check_needed_files(config, "F");
    } catch (const ConfigError& error) {
      std::string text = error.what();
      for (std::size_t at; (at = text.find(folder_)) != std::string::npos;) {
        text.replace(at, folder_.size(), "FOLDER");
      }
      return text;
    }
    return "good";
  }

  std::string folder_;
};

TEST_F(NeededFilesTest, SocketsNeedTheirFolders) {
  EXPECT_EQ(complaint("listen = [\"unix:FOLDER/a\"]\nstatus = \"FOLDER/b\""), "good");
  EXPECT_EQ(complaint("listen = [\"unix:/a.sock\"]"), "good");
  EXPECT_EQ(complaint("listen = [\"tcp:127.0.0.1:10809\"]"), "good");
  EXPECT_EQ(complaint("listen = [\"unix:FOLDER/no/a\"]\nstatus = \"FOLDER/none/b\""),
            "F:2:11: listen in [service] needs the folder FOLDER/no/: No such file or directory\n"
            "F:3:10: status in [service] needs the folder FOLDER/none/: No such file or directory");
  // In the order of the file, whichever that is.
  EXPECT_EQ(complaint("status = \"FOLDER/none/b\"\nlisten = [\"unix:FOLDER/no/a\"]"),
            "F:2:10: status in [service] needs the folder FOLDER/none/: No such file or directory\n"
            "F:3:11: listen in [service] needs the folder FOLDER/no/: No such file or directory");
  touch("file");
  EXPECT_EQ(complaint("listen = [\"unix:FOLDER/file/a\"]"),
            "F:2:11: listen in [service] needs the folder FOLDER/file/: Not a directory");
}

TEST_F(NeededFilesTest, UsersAndGroupsMustExist) {
  const std::string listen = "listen = [{address = \"unix:FOLDER/a\", owner = ";
  EXPECT_EQ(complaint(listen + "\"root\", group = \"root\"}]\nuser = \"nobody\""), "good");
  EXPECT_EQ(complaint(listen + "\"no one\", group = \"0\"}]\nuser = \"none\"\ngroup = \"n\""),
            "F:2:22: listen in [service] needs the user 'no one', whom this machine does not have\n"
            "F:2:22: listen in [service] needs the group '0', which this machine does not have\n"
            "F:3:8: user in [service] needs the user 'none', whom this machine does not have\n"
            "F:4:9: group in [service] needs the group 'n', which this machine does not have");
}

TEST_F(NeededFilesTest, FiltersMustBeInstalled) {
  const std::string listen = "listen = [\"tcp:127.0.0.1:1\"]\n";
  EXPECT_EQ(complaint(listen + "filters = [\"rate\", \"log\"]"), "good");
  EXPECT_THAT(
      complaint(listen + "filters = [\"rate\", \"none\"]"),
      ::testing::MatchesRegex(
          "F:3:20: filters in \\[service\\] needs the filter "
          "/.*/filters/nbdkit-none-filter\\.so: No such file or directory \\(Debian package "
          "nbdkit\\)"));
}

TEST_F(NeededFilesTest, CertificatesNeedAllThreeFiles) {
  const std::string lines =
      "listen = [\"tcp:127.0.0.1:1\"]\ntls = \"on\"\ntls-certificates = \"FOLDER\"";
  touch("ca-cert.pem");
  touch("server-cert.pem");
  EXPECT_EQ(complaint(lines),
            "F:4:20: tls-certificates in [service] needs the file FOLDER/server-key.pem: No such "
            "file or directory");
  touch("server-key.pem");
  EXPECT_EQ(complaint(lines), "good");
}

TEST_F(NeededFilesTest, PreSharedKeysNeedTheirFile) {
  const std::string lines = "listen = [\"tcp:127.0.0.1:1\"]\ntls = \"on\"\ntls-psk = \"FOLDER";
  EXPECT_EQ(complaint(lines + "\""),
            "F:4:11: tls-psk in [service] needs the file FOLDER: Is a directory");
  EXPECT_EQ(complaint(lines + "/psk\""),
            "F:4:11: tls-psk in [service] needs the file FOLDER/psk: No such file or directory");
  touch("psk");
  EXPECT_EQ(complaint(lines + "/psk\""), "good");
}

}  // namespace
}  // namespace luksdetached
