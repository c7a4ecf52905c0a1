#include "secret/secret_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <vector>

#include "../base/testing.h"
#include "secret/growing_secret.h"

namespace luksdetached {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using testing::expect_error;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A shell with a script, and what it told the log.
struct Shell {
  explicit Shell(const std::string& script)
      : program{.arguments = {"/bin/sh", "-c", script}, .what = "program P"} {}

  std::string run() {
    const SecureBuffer bytes =
        read_secret_program(program, [&](const std::string& text) { warnings.push_back(text); });
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  SecretProgram program;
  std::vector<std::string> warnings;
};

TEST(SecretProgramTest, ItsOutputIsTakenWholeAndExactly) {
  Shell shell("printf 'secret\\0\\n'; sleep 0.05; head -c 100000 /dev/zero");
  EXPECT_EQ(shell.run(), std::string("secret\0\n", 8) + std::string(100000, '\0'));
  EXPECT_THAT(shell.warnings, IsEmpty());
}

TEST(SecretProgramTest, ItHasNothingToReadUnlessItIsGivenSomething) {
  EXPECT_EQ(Shell("cat; echo end").run(), "end\n");
  Shell shell("cat; echo end");
  const testing::Bytes input = testing::to_bytes(std::string(100000, 'x'));
  shell.program.input = input;
  EXPECT_EQ(shell.run(), std::string(100000, 'x') + "end\n");
}

TEST(SecretProgramTest, AProgramThatFailsIsAnErrorWithItsLastWords) {
  expect_error(ErrorKind::source_unreachable, "program P exited with status 3",
               [] { Shell("echo secret; exit 3").run(); });
  expect_error(ErrorKind::source_unreachable,
               "program P exited with status 1; it said: no such entry",
               [] { Shell("echo first >&2; echo no such entry >&2; echo >&2; exit 1").run(); });
  expect_error(ErrorKind::source_unreachable, "program P was ended by signal 9 (Killed)",
               [] { Shell("kill -9 $$").run(); });
  expect_error(ErrorKind::source_unreachable, "cannot run program P: No such file or directory",
               [] {
                 Shell shell("");
                 shell.program.arguments = {"/nonexistent"};
                 shell.run();
               });
}

TEST(SecretProgramTest, MessagesDoNotHoldItsOutput) {
  try {
    Shell("echo hunter2; exit 1").run();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("hunter"), std::string::npos) << error.what();
  }
}

TEST(SecretProgramTest, OneThatWritesNothingIsAMistake) {
  expect_error(ErrorKind::usage, "program P wrote nothing", [] { Shell("true").run(); });
}

TEST(SecretProgramTest, EightMebibytesAreTheMost) {
  EXPECT_EQ(Shell("head -c 8388608 /dev/zero").run().size(), max_secret_bytes);
  expect_error(ErrorKind::usage, "what program P writes is larger than 8388608 bytes",
               [] { Shell("head -c 8388609 /dev/zero").run(); });
  expect_error(ErrorKind::usage, "is larger than 8388608 bytes",
               [] { Shell("cat /dev/zero").run(); });
}

TEST(SecretProgramTest, OneThatTakesTooLongIsKilled) {
  for (const char* script :
       {"echo $$ >&2; exec sleep 100", "echo $$ >&2; exec >&- 2>&-; exec sleep 100",
        "echo $$ >&2; while :; do echo x; sleep 0.01; done"}) {
    Shell shell(script);
    shell.program.limit = milliseconds(300);
    const auto start = std::chrono::steady_clock::now();
    expect_error(ErrorKind::source_unreachable, "program P did not end within 1 seconds",
                 [&] { shell.run(); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << script;
    ASSERT_THAT(shell.warnings, SizeIs(1)) << script;
    const std::string prefix = "program P says: ";
    EXPECT_EQ(kill(std::stoi(shell.warnings[0].substr(prefix.size())), 0), -1) << script;
  }
}

TEST(SecretProgramTest, WhatItLeavesRunningIsNotWaitedFor) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Shell("sleep 5 & echo secret").run(), "secret\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST(SecretProgramTest, WhatItSaysIsLoggedByTheLineAndFitToBeShown) {
  Shell shell("printf 'one\\n\\n\\033[2Jtwo\\377 \\303\\244\\nthree' >&2; echo secret");
  EXPECT_EQ(shell.run(), "secret\n");
  EXPECT_THAT(shell.warnings,
              ElementsAre("program P says: one", "program P says: ?[2Jtwo? \xc3\xa4",
                          "program P says: three"));
}

TEST(SecretProgramTest, WhatItSaysIsLimited) {
  Shell shell(
      "head -c 1000000 /dev/zero | tr '\\0' x >&2; yes y | head -n 100000 >&2; echo secret");
  EXPECT_EQ(shell.run(), "secret\n");
  ASSERT_THAT(shell.warnings, SizeIs(21));
  EXPECT_EQ(shell.warnings[0], "program P says: " + std::string(300, 'x') + "");
  EXPECT_EQ(shell.warnings[19], "program P says: y");
  EXPECT_THAT(shell.warnings[20], HasSubstr("left out"));
}

}  // namespace
}  // namespace luksdetached
