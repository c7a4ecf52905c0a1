#include "base/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace luksdetached {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

ChildEnd wait(ChildProcess& child) {
  const auto end = child.wait_until(steady_clock::now() + seconds(20));
  EXPECT_TRUE(end.has_value()) << "it still runs";
  return end.value_or(ChildEnd{});
}

// What a shell with `script` writes to its standard output.
std::string output_of(const std::string& script, ChildCommand command = {}) {
  Pipe pipe;
  command.arguments = {"/bin/sh", "-c", script};
  command.output = pipe.writing.get();
  ChildProcess child(command);
  pipe.writing = FileDescriptor();
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(pipe.reading.get(), part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(got));
  }
  wait(child);
  return text;
}

FileDescriptor file_with(const std::string& text) {
  FileDescriptor file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

TEST(ChildProcessTest, TellsHowAProgramEnded) {
  ChildProcess good({.arguments = {"true"}});
  EXPECT_TRUE(wait(good).good());
  ChildProcess bad({.arguments = {"sh", "-c", "exit 3"}});
  EXPECT_EQ(wait(bad).text(), "exited with status 3");
  ChildProcess killed({.arguments = {"sh", "-c", "kill -9 $$"}});
  EXPECT_EQ(wait(killed).text(), "was ended by signal 9 (Killed)");
}

TEST(ChildProcessTest, AMissingProgramIsAnErrorWithItsErrno) {
  for (const char* program : {"no-such-program", "/no/such/program"}) {
    try {
      ChildProcess child({.arguments = {program}});
      ADD_FAILURE() << program << " runs";
    } catch (const Error& error) {
      EXPECT_EQ(error.errno_code(), ENOENT);
      EXPECT_EQ(std::string(error.what()),
                "cannot run " + std::string(program) + ": No such file or directory");
    }
  }
  try {
    ChildProcess child({.arguments = {"/etc/passwd"}});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_code(), EACCES);
  }
}

TEST(ChildProcessTest, ArgumentsAreNotReadByAShell) {
  Pipe pipe;
  ChildProcess child(
      {.arguments = {"printf", "%s", "$(echo x) `y` ; '\""}, .output = pipe.writing.get()});
  wait(child);
  char text[100] = {};
  EXPECT_GT(::read(pipe.reading.get(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "$(echo x) `y` ; '\"");
}

TEST(ChildProcessTest, HasTheFilesThatItIsGivenAndNoOthers) {
  const FileDescriptor leaked(::open("/dev/zero", O_RDONLY));  // without O_CLOEXEC
  ASSERT_TRUE(leaked);
  const FileDescriptor one = file_with("one"), two = file_with("two");
  EXPECT_EQ(output_of("cat <&3; cat <&4", {.inherited = {two.get(), one.get()}}), "twoone");
  EXPECT_THAT(output_of("readlink /proc/self/fd/*"), Not(HasSubstr("/dev/zero")));
  EXPECT_EQ(output_of("readlink /proc/self/fd/0"), "/dev/null\n");
}

TEST(ChildProcessTest, DescriptorsMayBeInEachOthersPlaces) {
  const FileDescriptor a = file_with("a"), b = file_with("b"), c = file_with("c");
  const FileDescriptor input = file_with("input");
  // Whatever their numbers are, some are among 0 to 5 of the child.
  EXPECT_EQ(output_of("cat; cat <&3; cat <&4; cat <&5",
                      {.input = input.get(), .inherited = {c.get(), b.get(), a.get()}}),
            "inputcba");
}

TEST(ChildProcessTest, IsToldOfAListeningSocketAsSystemdWould) {
  EXPECT_EQ(output_of("echo $LISTEN_FDS $(( LISTEN_PID == $$ ))", {.listens = true}), "1 1\n");
}

TEST(ChildProcessTest, DoesNotGetWhatIsAboutItsParentAlone) {
  ::setenv("LISTEN_FDS", "7", 1);
  ::setenv("NOTIFY_SOCKET", "/run/notify", 1);
  ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials", 1);
  ::setenv("LUKSDETACHED_TEST", "kept", 1);
  EXPECT_EQ(output_of("echo $LISTEN_FDS$NOTIFY_SOCKET$CREDENTIALS_DIRECTORY$LUKSDETACHED_TEST"),
            "kept\n");
  for (const char* name :
       {"LISTEN_FDS", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "LUKSDETACHED_TEST"}) {
    ::unsetenv(name);
  }
}

TEST(ChildProcessTest, HasNoSignalsBlockedOrIgnored) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(output_of("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2 | tr '\\n' ' '"),
            "0000000000000000 0000000000000000 ");
  ::signal(SIGPIPE, before);
}

TEST(ChildProcessTest, IsKilledWithItsObject) {
  pid_t id = 0;
  {
    const ChildProcess child({.arguments = {"sleep", "1000"}});
    id = child.id();
    EXPECT_EQ(::kill(id, 0), 0);
  }
  EXPECT_EQ(::kill(id, 0), -1);
}

TEST(ChildProcessTest, OneThatDoesNotListenToSigtermIsKilledInTheEnd) {
  Pipe ready;
  ChildProcess child({.arguments = {"sh", "-c", "trap '' TERM; echo; while :; do :; done"},
                      .output = ready.writing.get()});
  char byte = 0;
  ASSERT_EQ(::read(ready.reading.get(), &byte, 1), 1);
  const auto start = steady_clock::now();
  child.end(milliseconds(100));
  EXPECT_GE(steady_clock::now() - start, milliseconds(100));
  EXPECT_EQ(child.id(), -1);
}

TEST(ChildProcessTest, WhatItStartedIsKilledWithIt) {
  for (const bool politely : {true, false}) {
    Pipe output;
    const ChildCommand command{.arguments = {"sh", "-c", "sleep 1000 & echo $!; wait"},
                               .output = output.writing.get()};
    std::optional<ChildProcess> child(command);
    output.writing = FileDescriptor();
    char text[32] = {};
    ASSERT_GT(::read(output.reading.get(), text, sizeof text - 1), 0);
    if (politely) child->end(seconds(20));
    child.reset();
    // Its output ends when nobody has it open any more.
    pollfd end = {output.reading.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&end, 1, 20'000), 1) << "process " << text << " still runs";
    EXPECT_EQ(::read(output.reading.get(), text, sizeof text), 0);
  }
}

TEST(ChildProcessTest, EndsWithTheThreadThatStartedIt) {
  std::optional<ChildProcess> child;
  std::thread([&child] { child.emplace(ChildCommand{.arguments = {"sleep", "1000"}}); }).join();
  EXPECT_EQ(wait(*child).text(), "was ended by signal 9 (Killed)");
}

TEST(ChildProcessTest, MayBeKeptFromChangingTheSignalThatItGetsThen) {
  // What nbdkit does: SIGTERM instead, which may be ignored.
  const char* script =
      "import ctypes, signal, time\n"
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "libc = ctypes.CDLL(None)\n"
      "assert libc.prctl(1, signal.SIGTERM) == 0\n"
      "assert libc.prctl(15, b'renamed') == 0\n"  // PR_SET_NAME is as ever
      "print(open('/proc/self/comm').read(), end='', flush=True)\n"
      "time.sleep(1000)\n";
  for (const bool keeps : {true, false}) {
    Pipe ready;
    std::optional<ChildProcess> child;
    std::thread([&] {
      child.emplace(ChildCommand{.arguments = {"python3", "-c", script},
                                 .output = ready.writing.get(),
                                 .keeps_death_signal = keeps});
      ready.writing = FileDescriptor();
      char name[20] = {};
      EXPECT_GT(::read(ready.reading.get(), name, sizeof name - 1), 0);
      EXPECT_EQ(std::string(name), "renamed\n");
    }).join();
    const auto end = child->wait_until(steady_clock::now() + (keeps ? seconds(20) : seconds(1)));
    EXPECT_EQ(end.has_value(), keeps);
  }
}

TEST(ChildProcessTest, MayWorkInAnotherFolder) {
  const FileDescriptor folder(::open("/usr", O_PATH | O_CLOEXEC));
  EXPECT_EQ(output_of("/bin/pwd", {.directory = folder.get()}), "/usr\n");
}

}  // namespace
}  // namespace luksdetached
