#include "secret/secret.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../base/testing.h"
#include "base/file_descriptor.h"
#include "secret/growing_secret.h"

namespace luksdetached {
namespace {

using namespace std::string_literals;
using testing::expect_error;

std::string text_of(const SecureBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

class SecretTest : public ::testing::Test {
 protected:
  std::string file(std::string_view contents) {
    const std::string path = directory_.file("secret");
    std::ofstream(path, std::ios::binary) << contents;
    EXPECT_EQ(chmod(path.c_str(), 0600), 0);
    return path;
  }
  std::string file_of_size(std::uint64_t bytes) {
    const std::string path = directory_.file("large");
    std::ofstream(path, std::ios::binary) << "x";
    EXPECT_EQ(truncate(path.c_str(), static_cast<off_t>(bytes)), 0);
    return path;
  }
  std::string missing() const { return directory_.file("missing"); }
  std::string fifo() const {
    const std::string path = directory_.file("fifo");
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  std::string directory() const { return directory_.file(""); }

 private:
  testing::TempDir directory_;
};

// A pipe with something in it; its other end is closed.
FileDescriptor pipe_with(std::string_view contents) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const FileDescriptor writer(ends[1]);
  FileDescriptor reader(ends[0]);
  if (write(writer.get(), contents.data(), contents.size()) !=
      static_cast<ssize_t>(contents.size())) {
    throw std::runtime_error("write");
  }
  return reader;
}

// For what has nothing to warn of.
const Warn quiet = [](const std::string& text) { ADD_FAILURE() << "a warning: " << text; };

SecureBuffer read_secret_file(const std::string& path, std::uint64_t offset,
                              std::optional<std::uint64_t> size) {
  return read_secret({.path = path}, {offset, size}, [](const std::string&) {});
}

PassphraseFrom from_file(const std::string& path) {
  return {PassphraseFrom::Kind::file, path, -1};
}
PassphraseFrom from_descriptor(int fd) {
  return {PassphraseFrom::Kind::descriptor, "", fd};
}

// ---- key files ----

TEST_F(SecretTest, AKeyFileIsTakenExactlyAsItIs) {
  for (const std::string& bytes :
       {"secret"s, "secret\n"s, "\n"s, "\0"s, "a\0b\n\0"s, "\xff\xfe\r\n"s}) {
    EXPECT_EQ(text_of(read_secret_file(file(bytes), 0, {})), bytes);
  }
}

TEST_F(SecretTest, KeyFilesOfAllSizesAroundAPageAreReadWhole) {
  for (const std::size_t size : {4095U, 4096U, 4097U, 8191U, 8192U, 8193U, 100000U}) {
    const testing::Bytes bytes = testing::pattern(size);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_TRUE(text_of(read_secret_file(file(text), 0, {})) == text) << size;
  }
}

TEST_F(SecretTest, OffsetAndSizeCutAPartOut) {
  const std::string path = file("0123456789");
  EXPECT_EQ(text_of(read_secret_file(path, 3, {})), "3456789");
  EXPECT_EQ(text_of(read_secret_file(path, 0, 4)), "0123");
  EXPECT_EQ(text_of(read_secret_file(path, 3, 4)), "3456");
  EXPECT_EQ(text_of(read_secret_file(path, 9, 1)), "9");
  EXPECT_EQ(text_of(read_secret_file(path, 0, 10)), "0123456789");
}

TEST_F(SecretTest, AFileThatIsShorterThanAskedForIsRefused) {
  const std::string path = file("0123456789");
  expect_error(ErrorKind::usage, "has only 10 bytes where its offset and size ask for 11",
               [&] { read_secret_file(path, 0, 11); });
  expect_error(ErrorKind::usage, "has only 2 bytes", [&] { read_secret_file(path, 8, 3); });
  expect_error(ErrorKind::usage, "has only 0 bytes", [&] { read_secret_file(path, 10, 1); });
  expect_error(ErrorKind::usage, "has only 0 bytes", [&] { read_secret_file(path, 1 << 20, 1); });
}

TEST_F(SecretTest, AnEmptySecretIsRefused) {
  expect_error(ErrorKind::usage, "is empty", [&] { read_secret_file(file(""), 0, {}); });
  expect_error(ErrorKind::usage, "is empty", [&] { read_secret_file("/dev/null", 0, {}); });
  expect_error(ErrorKind::usage, "has no bytes after the offset that was asked for",
               [&] { read_secret_file(file("0123"), 4, {}); });
  expect_error(ErrorKind::usage, "has no bytes after the offset that was asked for",
               [&] { read_secret_file(file("0123"), 100, {}); });
}

TEST_F(SecretTest, EightMebibytesAreTheMost) {
  EXPECT_EQ(read_secret_file(file_of_size(max_secret_bytes), 0, {}).size(), max_secret_bytes);
  const std::string larger = file_of_size(max_secret_bytes + 1);
  expect_error(ErrorKind::usage, "is larger than 8388608 bytes",
               [&] { read_secret_file(larger, 0, {}); });
  EXPECT_EQ(read_secret_file(larger, 1, {}).size(), max_secret_bytes);
  EXPECT_EQ(read_secret_file(larger, 0, max_secret_bytes).size(), max_secret_bytes);
}

TEST_F(SecretTest, AFileWithoutEndIsNotReadForEver) {
  expect_error(ErrorKind::usage, "is larger than 8388608 bytes",
               [] { read_secret_file("/dev/zero", 0, {}); });
  EXPECT_EQ(text_of(read_secret_file("/dev/zero", 0, 3)), "\0\0\0"s);
}

TEST_F(SecretTest, ASizeThatIsTooLargeIsRefusedBeforeReading) {
  expect_error(ErrorKind::usage,
               "a secret of 8388609 bytes was asked for, and it has at most 8388608",
               [&] { read_secret_file(missing(), 0, max_secret_bytes + 1); });
}

TEST_F(SecretTest, AFifoIsReadToItsEnd) {
  const std::string path = fifo();
  std::thread writer([&] {
    std::ofstream out(path, std::ios::binary);
    out << "first ";
    out.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    out << "second";
  });
  EXPECT_EQ(text_of(read_secret_file(path, 0, {})), "first second");
  writer.join();
}

TEST_F(SecretTest, OffsetAndSizeWorkOnAFifo) {
  const std::string path = fifo();
  const std::string filler(5000, 'x');
  std::thread writer([&] { std::ofstream(path, std::ios::binary) << filler << "0123456789"; });
  EXPECT_EQ(text_of(read_secret_file(path, 5003, 4)), "3456");
  writer.join();
}

TEST_F(SecretTest, AFileThatIsNotThereIsUnreachableAndNamed) {
  expect_error(ErrorKind::source_unreachable,
               "cannot read secret file " + missing() + ": No such file or directory",
               [&] { read_secret_file(missing(), 0, {}); });
  expect_error(ErrorKind::source_unreachable, "passphrase file " + missing(),
               [&] { read_passphrase(from_file(missing()), quiet); });
}

TEST_F(SecretTest, ADirectoryIsUnreachable) {
  expect_error(ErrorKind::source_unreachable, "Is a directory",
               [&] { read_secret_file(directory(), 0, {}); });
  expect_error(ErrorKind::source_unreachable, "Is a directory",
               [&] { read_passphrase(from_file(directory()), quiet); });
}

TEST_F(SecretTest, AFileThatEverybodyCanReadIsWarnedOf) {
  const std::string path = file("secret");
  std::vector<std::string> warnings;
  const Warn collect = [&](const std::string& text) { warnings.push_back(text); };
  const auto read_both = [&] {
    warnings.clear();
    read_secret({.path = path}, {}, collect);
    read_passphrase(from_file(path), collect);
  };
  for (const mode_t mode : {0600U, 0640U, 0440U, 0632U}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    read_both();
    EXPECT_THAT(warnings, ::testing::IsEmpty()) << mode;
  }
  for (const mode_t mode : {0644U, 0604U}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    read_both();
    const std::string rest =
        path + " can be read by every user of this machine (chmod o= takes that away)";
    EXPECT_THAT(warnings, ::testing::ElementsAre("secret file " + rest, "passphrase file " + rest));
  }
  // What comes out of a device or a pipe is not what lies there.
  warnings.clear();
  read_secret({.path = "/dev/zero"}, {0, 3}, collect);
  EXPECT_THAT(warnings, ::testing::IsEmpty());
}

// ---- descriptors ----

SecretFrom secret_on(int fd) {
  return {.kind = SecretFrom::Kind::descriptor, .descriptor = fd};
}

TEST_F(SecretTest, ADescriptorIsReadToItsEnd) {
  const FileDescriptor reader = pipe_with("a\0b\n"s);
  EXPECT_EQ(text_of(read_secret(secret_on(reader.get()), {}, quiet)), "a\0b\n"s);
  EXPECT_NE(fcntl(reader.get(), F_GETFD), -1) << "it is not ours to close";
}

TEST_F(SecretTest, OffsetAndSizeCountFromWhereADescriptorStands) {
  const FileDescriptor in_file(open(file("0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(text_of(read_secret(secret_on(in_file.get()), {2, 3}, quiet)), "234");
  EXPECT_EQ(text_of(read_secret(secret_on(in_file.get()), {2, {}}, quiet)), "789");
  const FileDescriptor reader = pipe_with("0123456789");
  EXPECT_EQ(text_of(read_secret(secret_on(reader.get()), {2, 3}, quiet)), "234");
}

TEST_F(SecretTest, ABadDescriptorIsUnreachableAndNamed) {
  expect_error(ErrorKind::source_unreachable,
               "cannot read the secret on file descriptor 987654: Bad file descriptor",
               [] { read_secret(secret_on(987654), {}, quiet); });
  const FileDescriptor reader = pipe_with("");
  expect_error(ErrorKind::usage, "is empty",
               [&] { read_secret(secret_on(reader.get()), {}, quiet); });
}

TEST_F(SecretTest, StandardInputIsReadToItsEnd) {
  const FileDescriptor reader = pipe_with("first\nsecond\n");
  const std::string outcome = testing::in_child([&]() -> std::string {
    if (dup2(reader.get(), STDIN_FILENO) != STDIN_FILENO) return "dup2 failed";
    return text_of(read_secret({.kind = SecretFrom::Kind::standard_input}, {1, {}}, quiet));
  });
  EXPECT_EQ(outcome, "irst\nsecond\n");
}

TEST_F(SecretTest, ATerminalIsNotAskedForAKeyFile) {
  const FileDescriptor terminal(posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_TRUE(terminal);
  ASSERT_EQ(grantpt(terminal.get()), 0);
  ASSERT_EQ(unlockpt(terminal.get()), 0);
  const FileDescriptor user(open(ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(user);
  const std::string outcome = testing::in_child([&]() -> std::string {
    if (dup2(user.get(), STDIN_FILENO) != STDIN_FILENO) return "dup2 failed";
    try {
      read_secret({.kind = SecretFrom::Kind::standard_input}, {}, quiet);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  });
  EXPECT_EQ(outcome,
            "the secret on standard input would be typed on a terminal, which shows it: give a "
            "passphrase instead, which is asked for");
}

// ---- credentials ----

SecretFrom credential(const std::string& name) {
  return {.kind = SecretFrom::Kind::credential, .credential = name};
}

TEST_F(SecretTest, ACredentialIsAFileInTheFolderThatTheEnvironmentNames) {
  const std::string path = file("a secret\n");
  ASSERT_EQ(setenv("CREDENTIALS_DIRECTORY", directory().c_str(), 1), 0);
  EXPECT_EQ(text_of(read_secret(credential("secret"), {}, quiet)), "a secret\n");
  EXPECT_EQ(text_of(read_secret(credential("secret"), {2, 6}, quiet)), "secret");
  expect_error(ErrorKind::source_unreachable, "cannot read credential other in " + directory(),
               [] { read_secret(credential("other"), {}, quiet); });
  ASSERT_EQ(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
  expect_error(ErrorKind::source_unreachable, "the variable CREDENTIALS_DIRECTORY is not set",
               [] { read_secret(credential("secret"), {}, quiet); });
  ASSERT_EQ(unsetenv("CREDENTIALS_DIRECTORY"), 0);
  expect_error(ErrorKind::source_unreachable, "the variable CREDENTIALS_DIRECTORY is not set",
               [] { read_secret(credential("secret"), {}, quiet); });
}

// ---- programs ----

SecretFrom shell(const std::string& script) {
  return {.kind = SecretFrom::Kind::program, .path = "/bin/sh", .arguments = {"-c", script}};
}

TEST_F(SecretTest, AProgramYieldsWhatItWrites) {
  EXPECT_EQ(text_of(read_secret(shell("printf 'a\\0b\\n'"), {}, quiet)), "a\0b\n"s);
  EXPECT_EQ(text_of(read_secret({.kind = SecretFrom::Kind::program, .path = "/bin/pwd"}, {}, quiet))
                .front(),
            '/');
}

TEST_F(SecretTest, OffsetAndSizeWorkOnAProgram) {
  const SecretFrom digits = shell("printf 0123456789");
  EXPECT_EQ(text_of(read_secret(digits, {3, {}}, quiet)), "3456789");
  EXPECT_EQ(text_of(read_secret(digits, {3, 4}, quiet)), "3456");
  EXPECT_EQ(text_of(read_secret(digits, {0, 10}, quiet)), "0123456789");
  expect_error(ErrorKind::usage,
               "what secret program /bin/sh writes has only 2 bytes where its offset and "
               "size ask for 3",
               [&] {
                 read_secret(digits, {8, 3}, quiet);
               });
  expect_error(ErrorKind::usage, "has no bytes after the offset that was asked for", [&] {
    read_secret(digits, {10, {}}, quiet);
  });
  expect_error(ErrorKind::usage, "has only 0 bytes", [&] {
    read_secret(digits, {1 << 20, 1}, quiet);
  });
}

TEST_F(SecretTest, AProgramThatIsNotThereIsUnreachableAndNamed) {
  expect_error(ErrorKind::source_unreachable,
               "cannot run secret program " + missing() + ": No such file or directory", [&] {
                 read_secret({.kind = SecretFrom::Kind::program, .path = missing()}, {}, quiet);
               });
}

TEST_F(SecretTest, ATokenIsNotReadWithoutItsHeader) {
  expect_error(ErrorKind::usage, "together with its header",
               [] { read_secret({.kind = SecretFrom::Kind::tokens}, {}, quiet); });
}

// ---- passphrases ----

TEST_F(SecretTest, APassphraseIsOneLineWithoutItsNewline) {
  struct Row {
    std::string contents, passphrase;
  };
  for (const Row& row : {Row{"secret\n", "secret"}, Row{"secret", "secret"},
                         Row{"secret\nsecond line\n", "secret"}, Row{" se cret \n", " se cret "},
                         Row{"secret\r\n", "secret\r"}, Row{"p\xc3\xa4ss\n", "p\xc3\xa4ss"},
                         Row{std::string(4095, 'x') + "\n", std::string(4095, 'x')}}) {
    EXPECT_EQ(text_of(read_passphrase(from_file(file(row.contents)), quiet)), row.passphrase);
  }
}

TEST_F(SecretTest, ABadPassphraseIsRefused) {
  struct Row {
    std::string contents;
    const char* word;
  };
  for (const Row& row : {Row{"", "is empty"}, Row{"\n", "is empty"}, Row{"\nsecret\n", "is empty"},
                         Row{"sec\0ret\n"s, "holds a NUL byte"}, Row{"\0"s, "holds a NUL byte"},
                         Row{std::string(4096, 'x'), "longer than 4095 bytes"},
                         Row{std::string(5000, 'x') + "\n", "longer than 4095 bytes"}}) {
    expect_error(ErrorKind::usage, row.word,
                 [&] { read_passphrase(from_file(file(row.contents)), quiet); });
  }
}

TEST_F(SecretTest, MessagesDoNotHoldThePassphrase) {
  try {
    read_passphrase(from_file(file("hunter2\0\n"s)), quiet);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(std::string_view(error.what()).find("hunter"), std::string_view::npos);
  }
}

TEST_F(SecretTest, APassphraseComesFromADescriptor) {
  const FileDescriptor reader = pipe_with("secret\n");
  EXPECT_EQ(text_of(read_passphrase(from_descriptor(reader.get()), quiet)), "secret");
}

TEST_F(SecretTest, WhatFollowsTheLineStaysInThePipe) {
  const FileDescriptor reader = pipe_with("first\nsecond\nrest");
  EXPECT_EQ(text_of(read_passphrase(from_descriptor(reader.get()), quiet)), "first");
  EXPECT_EQ(text_of(read_passphrase(from_descriptor(reader.get()), quiet)), "second");
  char rest[16];
  EXPECT_EQ(read(reader.get(), rest, sizeof rest), 4);
}

TEST_F(SecretTest, ADescriptorThatIsNotOpenIsUnreachable) {
  expect_error(ErrorKind::source_unreachable,
               "cannot read the passphrase on file descriptor 987654: Bad file descriptor",
               [] { read_passphrase(from_descriptor(987654), quiet); });
}

TEST_F(SecretTest, APassphraseComesFromStandardInput) {
  const FileDescriptor reader = pipe_with("secret\nrest");
  const std::string outcome = testing::in_child([&]() -> std::string {
    if (dup2(reader.get(), STDIN_FILENO) != STDIN_FILENO) return "dup2 failed";
    const std::string first =
        text_of(read_passphrase({PassphraseFrom::Kind::standard_input, "", -1}, quiet));
    char rest[16] = {};
    return read(STDIN_FILENO, rest, sizeof rest - 1) < 0 ? "read failed" : first + "|" + rest;
  });
  EXPECT_EQ(outcome, "secret|rest");
}

// A prompt is for people: nothing of it must come where there is no terminal.
TEST_F(SecretTest, ThereIsNoPromptWithoutATerminal) {
  const FileDescriptor reader = pipe_with("secret\n");
  const std::string outcome = testing::in_child([&]() -> std::string {
    int ends[2];
    if (pipe(ends) != 0 || dup2(reader.get(), STDIN_FILENO) != STDIN_FILENO ||
        dup2(ends[1], STDERR_FILENO) != STDERR_FILENO) {
      return "pipe failed";
    }
    read_passphrase({PassphraseFrom::Kind::standard_input, "", -1}, quiet);
    if (write(ends[1], "|", 1) != 1) return "write failed";
    char seen[64] = {};
    return read(ends[0], seen, sizeof seen - 1) < 0 ? "read failed" : seen;
  });
  EXPECT_EQ(outcome, "|");
}

// On a terminal: a prompt, and the echo is off while the line is typed and on again afterwards.
TEST_F(SecretTest, ATerminalIsPromptedAndDoesNotEcho) {
  const FileDescriptor terminal(posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_TRUE(terminal);
  ASSERT_EQ(grantpt(terminal.get()), 0);
  ASSERT_EQ(unlockpt(terminal.get()), 0);
  const FileDescriptor user(open(ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(user);
  const auto echoes = [&] {
    termios settings{};
    return tcgetattr(user.get(), &settings) == 0 && (settings.c_lflag & ECHO) != 0;
  };
  ASSERT_TRUE(echoes());
  std::string seen;
  bool echoed_meanwhile = true;
  std::thread typist([&] {
    char c = 0;
    while (seen.find("passphrase: ") == std::string::npos && read(terminal.get(), &c, 1) == 1) {
      seen += c;
    }
    echoed_meanwhile = echoes();
    if (write(terminal.get(), "hunter2\n", 8) != 8) std::abort();
  });
  const std::string outcome = testing::in_child([&]() -> std::string {
    if (dup2(user.get(), STDIN_FILENO) != STDIN_FILENO ||
        dup2(user.get(), STDERR_FILENO) != STDERR_FILENO) {
      return "dup2 failed";
    }
    return text_of(read_passphrase({PassphraseFrom::Kind::standard_input, "", -1}, quiet));
  });
  typist.join();
  EXPECT_EQ(outcome, "hunter2");
  EXPECT_EQ(seen, "passphrase: ");
  EXPECT_FALSE(echoed_meanwhile);
  EXPECT_TRUE(echoes());
  ASSERT_NE(fcntl(terminal.get(), F_SETFL, O_NONBLOCK), -1);
  char rest[64] = {};
  const ssize_t got = read(terminal.get(), rest, sizeof rest - 1);
  EXPECT_EQ(std::string(rest, got > 0 ? static_cast<std::size_t>(got) : 0), "\r\n");
}

// ---- what was meant ----

TEST_F(SecretTest, AFileThatIsNotThereMayBeAnotherKindOfSecret) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"+" + missing(), "; +FILE is how a passphrase is given, not a secret"},
      {"token", "; the tokens of the volume are given by token:"},
      {"file://" + missing(), "; give the path alone"},
      {missing(), ""},
  };
  for (const auto& [path, advice] : table) {
    try {
      read_secret_file(path, 0, {});
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(),
                "cannot read secret file " + path + ": No such file or directory" + advice);
    }
  }
}

TEST_F(SecretTest, AProgramThatIsNotThereMayHaveBeenMeantWithArguments) {
  const auto run = [](const std::string& path) {
    read_secret({.kind = SecretFrom::Kind::program, .path = path}, {}, quiet);
  };
  expect_error(ErrorKind::source_unreachable,
               "secret: No such file or directory; it takes no arguments here (in a config file an "
               "array gives them)",
               [&] { run("/bin/cat secret"); });
}

}  // namespace
}  // namespace luksdetached
