#include "source/child_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libnbd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "testing.h"

namespace luksdetached {
namespace {

using namespace std::chrono_literals;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TempDir;

ChildServer server_of(const std::string& uri, unsigned connections = 1) {
  return {parse_uri(uri), Access::read_write, false, connections, [](const std::string&) {}};
}

// A client of the next socket; its size, or libnbd's error.
struct Client {
  explicit Client(ChildServer& server) : nbd(nbd_create()) {
    socket = server.connect();
    connected = nbd_connect_socket(nbd, ::dup(socket.get())) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { nbd_close(nbd); }

  nbd_handle* nbd;
  FileDescriptor socket;
  bool connected;
};

std::set<std::string> children() {
  std::set<std::string> found;
  std::ifstream list("/proc/self/task/" + std::to_string(::gettid()) + "/children");
  for (std::string id; list >> id;) found.insert(id);
  return found;
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

TEST(ChildServerTest, ServesSeveralConnectionsToThisProcessAlone) {
  const TempDir dir;
  ::setenv("XDG_RUNTIME_DIR", dir.file(".").c_str(), 1);
  ChildServer server = server_of("nbdkit:memory?size=1M", 3);
  server.restart();
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_TRUE(std::filesystem::is_empty(dir.file(".")));
  Client first(server), second(server), third(server);
  EXPECT_TRUE(first.connected && second.connected && third.connected);
  EXPECT_EQ(nbd_get_size(first.nbd), 1 << 20);
  EXPECT_EQ(nbd_pwrite(first.nbd, "hello", 5, 1000, 0), 0);
  char read[5] = {};
  EXPECT_EQ(nbd_pread(third.nbd, read, 5, 1000, 0), 0);
  EXPECT_EQ(std::string(read, 5), "hello");
}

TEST(ChildServerTest, ServesAnImageByQemuNbd) {
  const TempDir dir;
  write_text(dir.file("a:b,c"), std::string(4096, 'x'));
  ChildServer server = server_of("qemu:raw:" + dir.file("a:b,c"), 2);
  server.restart();
  Client first(server), second(server);
  ASSERT_TRUE(first.connected && second.connected) << server.last_words();
  EXPECT_EQ(nbd_get_size(second.nbd), 4096);
}

TEST(ChildServerTest, AFolderThatCannotBeUsedIsPassedOver) {
  ::setenv("RUNTIME_DIRECTORY", "/no/such/folder", 1);
  ::setenv("XDG_RUNTIME_DIR", ("/tmp/" + std::string(100, 'x')).c_str(), 1);
  ChildServer server = server_of("nbdkit:memory?size=1M");
  server.restart();
  ::unsetenv("RUNTIME_DIRECTORY");
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_TRUE(Client(server).connected);
}

TEST(ChildServerTest, NothingRunsAnyMoreAfterAnEnd) {
  const auto before = children();
  {
    ChildServer server = server_of("nbdkit:memory?size=1M", 2);
    EXPECT_EQ(children(), before);
    server.restart();
    const auto first = children();
    EXPECT_NE(first, before);
    { const Client client(server); }
    server.restart();
    EXPECT_NE(children(), first);
    EXPECT_EQ(children().size(), before.size() + 1);
    EXPECT_TRUE(Client(server).connected);
    server.stop();
    EXPECT_EQ(children(), before);
    EXPECT_FALSE(server.connect());
    server.restart();
  }
  EXPECT_EQ(children(), before);
}

TEST(ChildServerTest, RelativeNamesMeanTheFolderInWhichItWasMade) {
  const TempDir dir;
  write_text(dir.file("image"), std::string(8192, 'x'));
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(dir.file("."));
  ChildServer server = server_of("nbdkit:file?file=image");
  std::filesystem::current_path("/");
  server.restart();
  std::filesystem::current_path(here);
  const Client client(server);
  EXPECT_TRUE(client.connected) << server.last_words();
}

TEST(ChildServerTest, ACredentialReachesItsPlugin) {
  const TempDir dir;
  // The sh plugin has no passwords; its script is given what nbdkit's own plugins understand.
  write_text(dir.file("script"), R"(case $1 in
    config) if [ $2 = password ]; then head -n 1 <&${3#-} >)" +
                                     dir.file("got") + R"(; fi ;;
    get_size) echo 512 ;;
    pread) head -c $3 /dev/zero ;;
    *) exit 2 ;;
  esac)");
  std::filesystem::permissions(dir.file("script"), std::filesystem::perms::owner_all);
  ChildServer server = server_of("nbdkit:sh?script=" + dir.file("script") + "&password=a%20b");
  server.restart();
  const Client client(server);
  EXPECT_TRUE(client.connected) << server.last_words();
  std::string got;
  std::getline(std::ifstream(dir.file("got")), got);
  EXPECT_EQ(got, "a b");
}

TEST(ChildServerTest, TellsWhyItDoesNotServe) {
  const TempDir dir;
  const std::vector<std::pair<std::string, std::string>> table = {
      {"nbdkit:nosuch", "no plugin nosuch"},
      {"nbdkit:memory?size=1M&colour=blue", "unknown parameter 'colour'"},
      {"nbdkit:file?file=" + dir.file("absent"), "No such file"},
      {"http://127.0.0.1:1/x", "connect"},
      {"ssh://127.0.0.1:1/x", "refused"},
      {"qemu:raw:" + dir.file("absent"), "No such file"},
  };
  for (const auto& [uri, reason] : table) {
    ChildServer server = server_of(uri);
    server.restart();
    EXPECT_FALSE(Client(server).connected) << uri;
    EXPECT_THAT(server.last_words(), HasSubstr(reason));
    EXPECT_THAT(server.last_words(), Not(HasSubstr("size=1M")));
  }
}

TEST(ChildServerTest, NamesThePackageOfAMissingProgram) {
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  for (const auto& [uri, package] : {std::pair{"qemu:qcow2:/x", "qemu-utils"},
                                     {"qemu:raw:/x", "qemu-utils"},
                                     {"http://h/x", "nbdkit"}}) {
    ChildServer server = server_of(uri);
    const Error error = error_of([&] { server.restart(); });
    EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
    EXPECT_THAT(error.what(), HasSubstr(std::string("in the package ") + package));
    EXPECT_EQ(error.errno_code(), ENOENT);
  }
  ::setenv("PATH", path.c_str(), 1);
}

TEST(ChildServerTest, RefusesAnImageThatRefersToAnother) {
  const TempDir dir;
  const auto create = [&](const std::string& arguments) {
    ASSERT_EQ(::system(("cd " + dir.file(".") + " && qemu-img create -q " + arguments).c_str()), 0);
  };
  create("-f qcow2 -u -b absent -F raw backed 1M");
  create("-f qed -u -b absent -F raw backed.qed 1M");
  create("-f qcow2 -o data_file=data data.qcow2 1M");
  create("-f qcow2 alone 1M");
  for (const auto& [image, what] : {std::pair{"qcow2:backed", "a backing file"},
                                    {"qed:backed.qed", "a backing file"},
                                    {"qcow2:data.qcow2", "a data file"}}) {
    std::string uri = std::string("qemu:") + image;
    uri.insert(uri.find(':', 5) + 1, dir.file(""));
    ChildServer server = server_of(uri);
    const Error error = error_of([&] { server.restart(); });
    EXPECT_EQ(error.kind(), ErrorKind::policy) << uri;
    EXPECT_THAT(error.what(), HasSubstr(what));
  }
  ChildServer good = server_of("qemu:qcow2:" + dir.file("alone"));
  good.restart();
  EXPECT_TRUE(Client(good).connected) << good.last_words();
  ChildServer not_one = server_of("qemu:qcow2:" + dir.file("data"));
  EXPECT_EQ(error_of([&] { not_one.restart(); }).kind(), ErrorKind::source_unreachable);
}

TEST(ChildServerTest, PassesOnWhatTheChildSays) {
  std::mutex mutex;
  std::vector<std::string> told;
  const TempDir dir;
  write_text(dir.file("script"), R"(case $1 in
    config) ;;
    get_size) printf 'SECRET\033 said\n' >&2; exit 1 ;;
    *) exit 2 ;;
  esac)");
  std::filesystem::permissions(dir.file("script"), std::filesystem::perms::owner_all);
  ChildServer server(parse_uri("nbdkit:sh?script=" + dir.file("script") + "&password=SECRET"),
                     Access::read_only, false, 1, [&](const std::string& line) {
                       const std::lock_guard lock(mutex);
                       told.push_back(line);
                     });
  server.restart();
  { const Client client(server); }
  server.start_logging();
  EXPECT_THAT(server.last_words(), HasSubstr("said"));
  server.restart();
  { const Client client(server); }
  server.stop();
  ASSERT_EQ(told.size(), 2u);
  for (const std::string& line : told) {
    EXPECT_THAT(line, StartsWith("nbdkit:sh?script=…&password=…: nbdkit: sh[1]: error: "));
    EXPECT_THAT(line, HasSubstr("…\\x1b said"));
    EXPECT_THAT(line, Not(HasSubstr("SECRET")));
  }
}

TEST(ChildServerTest, EndsWithTheThreadThatStartedItAlsoWhenItIsStuck) {
  const TempDir dir;
  write_text(dir.file("script"), R"(case $1 in
    get_size) echo 512 ;;
    pread) sleep 5 ;;
    *) exit 2 ;;
  esac)");
  std::filesystem::permissions(dir.file("script"), std::filesystem::perms::owner_all);
  ChildServer server = server_of("nbdkit:sh?script=" + dir.file("script"));
  std::vector<char> answer(512);
  std::unique_ptr<Client> client;
  std::thread([&] {
    server.restart();
    client = std::make_unique<Client>(server);
    nbd_aio_pread(client->nbd, answer.data(), answer.size(), 0, NBD_NULL_COMPLETION, 0);
    std::this_thread::sleep_for(300ms);
  }).join();
  const auto start = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

}  // namespace
}  // namespace luksdetached
