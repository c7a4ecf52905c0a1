#include "export/payload_identity.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/unix_socket.h"

namespace luksdetached {
namespace {

class PayloadIdentityTest : public ::testing::Test {
 protected:
  PayloadIdentityTest() {
    char name[] = "/tmp/luksdetached-identity-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    std::ofstream(path("payload")) << "x";
    std::filesystem::create_symlink(path("payload"), path("symbolic"));
    std::filesystem::create_hard_link(path("payload"), path("hard"));
    std::ofstream(path("other")) << "x";
  }
  ~PayloadIdentityTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& file) const { return directory_ + "/" + file; }

  static bool same(const std::string& a, const std::string& b) {
    const std::vector<std::string> of_b = payload_identities(b);
    return std::ranges::any_of(payload_identities(a), [&](const std::string& one) {
      return std::ranges::find(of_b, one) != of_b.end();
    });
  }

  std::string directory_;
};

TEST_F(PayloadIdentityTest, AFileIsTheSameUnderEachNameAndWhoeverOpensIt) {
  for (const std::string name : {"payload", "symbolic", "hard"}) {
    for (const std::string& uri : {path(name), "file://" + path(name), "qemu:raw:" + path(name),
                                   "nbdkit:file?file=" + path(name)}) {
      EXPECT_TRUE(same(path("payload"), uri)) << uri;
      EXPECT_FALSE(same(path("other"), uri)) << uri;
    }
  }
}

TEST_F(PayloadIdentityTest, AnExportOfAServerIsTheSameUnderEachNameOfItsSocket) {
  const FileDescriptor server = new_unix_socket();
  const sockaddr_un address = unix_address(path("server"));
  ASSERT_EQ(bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  std::filesystem::create_symlink(path("server"), path("alias"));
  const auto uri = [&](const std::string& name, const std::string& socket) {
    return "nbd+unix:///" + name + "?socket=" + path(socket);
  };
  EXPECT_TRUE(same(uri("a", "server"), uri("a", "alias")));
  EXPECT_FALSE(same(uri("a", "server"), uri("b", "server")));
  EXPECT_TRUE(may_change_identity(uri("a", "server")));
}

TEST_F(PayloadIdentityTest, AServerOnTcpIsTheSameInEachSpelling) {
  for (const char* uri : {"nbd://LOCALHOST/vm", "nbd://localhost:10809/vm",
                          "nbd://localhost:010809/vm", "nbd://%6cocalhost/vm"}) {
    EXPECT_TRUE(same("nbd://localhost/vm", uri)) << uri;
  }
  EXPECT_FALSE(same("nbd://localhost/vm", "nbd://localhost/vm2"));
  EXPECT_FALSE(may_change_identity("nbd://localhost/vm"));
}

}  // namespace
}  // namespace luksdetached
