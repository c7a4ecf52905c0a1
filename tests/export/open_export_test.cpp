// With headers that the installed cryptsetup makes.
#include "export/open_export.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "../base/testing.h"
#include "base/error.h"

extern "C" char** environ;

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::pattern;

constexpr std::size_t payload_bytes = 1 << 20;

// A small header, because cryptsetup wipes all of it.
const std::vector<std::string> luks2 = {"--type",
                                        "luks2",
                                        "--pbkdf",
                                        "pbkdf2",
                                        "--luks2-metadata-size",
                                        "16k",
                                        "--luks2-keyslots-size",
                                        "2m",
                                        "--sector-size",
                                        "512"};

void run(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  int status = -1;
  if (posix_spawnp(&child, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0 ||
      waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error(arguments[0] + " failed");
  }
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string as_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class OpenExportTest : public ::testing::Test {
 protected:
  OpenExportTest() {
    options_.headers = {directory_.file("header")};
    options_.payload = directory_.file("payload");
    options_.secrets = {{.path = directory_.file("secret")}};
    write_file(options_.payload, as_text(pattern(payload_bytes, 3)));
    umask(077);  // a secret that everybody can read is warned of
    write_file(options_.secrets[0].path, "secret");
    std::filesystem::permissions(options_.secrets[0].path, std::filesystem::perms::owner_read |
                                                               std::filesystem::perms::owner_write);
  }

  // Makes the header, with the least that cryptsetup lets one pay.
  void format(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "cryptsetup", "luksFormat",        "--batch-mode", "--pbkdf-force-iterations", "1000",
        "--header",   options_.headers[0], "--key-file",   options_.secrets[0].path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back(options_.payload);
    run(arguments);
  }
  void format_luks2() { format(luks2); }
  void format_luks1() {
    std::ofstream(options_.headers[0]).close();
    ASSERT_EQ(truncate(options_.headers[0].c_str(), 4 << 20), 0);
    format({"--type", "luks1"});
  }

  OpenedExport open(Access access = Access::read_write) {
    return open_export(options_, access, payload_lock_, [](const std::string&) {});
  }

  RangeLock payload_lock_;
  testing::TempDir directory_;
  ExportOptions options_;
};

TEST_F(OpenExportTest, OpensAHeaderOfCryptsetupAndRestoresWhatIsWritten) {
  format_luks2();
  const Bytes data = pattern(100000, 4);
  {
    const OpenedExport opened = open();
    EXPECT_EQ(opened.volume->size(), payload_bytes);
    EXPECT_TRUE(opened.volume->writable());
    EXPECT_TRUE(opened.warnings.empty());
    SyncFailures::Witness client(opened.volume->sync_failures());
    opened.volume->write(data, 1234, Durability::durable, client);
  }
  EXPECT_NE(contents(options_.payload).substr(1234, data.size()), as_text(data));
  Bytes back(data.size());
  open(Access::read_only).volume->read(back, 1234);
  EXPECT_EQ(back, data);
}

TEST_F(OpenExportTest, OpensALuks1Header) {
  format_luks1();
  const OpenedExport opened = open();
  EXPECT_EQ(opened.summary.rfind("LUKS1 volume ", 0), 0U) << opened.summary;
  EXPECT_EQ(opened.volume->sector_size(), 512U);
}

TEST_F(OpenExportTest, OpeningAndReadingChangesNeitherHeaderNorPayload) {
  format_luks2();
  const std::string header = contents(options_.headers[0]);
  const std::string payload = contents(options_.payload);
  {
    const OpenedExport opened = open();
    Bytes bytes(payload_bytes);
    opened.volume->read(bytes, 0);
    SyncFailures::Witness client(opened.volume->sync_failures());
    opened.volume->flush(client);
  }
  EXPECT_TRUE(contents(options_.headers[0]) == header);
  EXPECT_TRUE(contents(options_.payload) == payload);
}

TEST_F(OpenExportTest, WritingDoesNotChangeTheHeader) {
  format_luks2();
  const std::string header = contents(options_.headers[0]);
  const OpenedExport opened = open();
  SyncFailures::Witness client(opened.volume->sync_failures());
  opened.volume->write(pattern(payload_bytes), 0, Durability::durable, client);
  EXPECT_TRUE(contents(options_.headers[0]) == header);
}

TEST_F(OpenExportTest, TheSummarySaysWhatWasOpenedAndHow) {
  std::vector<std::string> arguments = luks2;
  arguments.back() = "4096";
  arguments.insert(arguments.end(), {"--uuid", "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11"});
  format(arguments);
  const std::string summary = open().summary;
  for (const char* word : {"LUKS2", "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11", "key slot 0",
                           "aes-xts-plain64", "1048576 bytes", "sectors of 4096"}) {
    EXPECT_NE(summary.find(word), std::string::npos) << word << " in: " << summary;
  }
}

TEST_F(OpenExportTest, APassphraseWithoutItsNewlineOpensToo) {
  format_luks2();
  write_file(directory_.file("passphrase"), "secret\n");
  options_.secrets.clear();
  options_.passphrases = {{PassphraseFrom::Kind::file, directory_.file("passphrase"), -1}};
  EXPECT_NO_THROW(open());
}

TEST_F(OpenExportTest, OffsetAndSizeAreThoseOfTheSecret) {
  format_luks2();
  write_file(options_.secrets[0].path, "xxsecretyyy");
  options_.secret_offset = 2;
  options_.secret_size = 6;
  EXPECT_NO_THROW(open());
}

TEST_F(OpenExportTest, AWrongSecretIsToldWithTheHeadersName) {
  format_luks2();
  write_file(options_.secrets[0].path, "Secret");
  expect_error(ErrorKind::wrong_secret, "cannot unlock header " + options_.headers[0],
               [&] { open(); });
}

TEST_F(OpenExportTest, AKeySlotThatIsNotInUseIsRefused) {
  format_luks2();
  options_.keyslot = 5;
  expect_error(ErrorKind::usage, "key slot 5 is not in use", [&] { open(); });
}

TEST_F(OpenExportTest, AnOffsetReplacesTheHeaders) {
  format_luks2();
  options_.payload_offset = 8192;
  EXPECT_EQ(open().volume->size(), payload_bytes - 8192);
}

TEST_F(OpenExportTest, APayloadThatIsTooSmallIsToldBeforeAnySecretIsRead) {
  format_luks2();
  write_file(options_.payload, "x");
  options_.secrets = {{.path = directory_.file("missing")}};
  expect_error(ErrorKind::payload_too_small, "payload " + options_.payload + ": it is too small",
               [&] { open(); });
}

TEST_F(OpenExportTest, BytesBehindTheLastSectorAreAWarning) {
  format_luks2();
  ASSERT_EQ(truncate(options_.payload.c_str(), payload_bytes - 1), 0);
  const OpenedExport opened = open();
  EXPECT_EQ(opened.volume->size(), payload_bytes - 512);
  ASSERT_EQ(opened.warnings.size(), 1U);
  EXPECT_EQ(opened.warnings[0], "payload " + options_.payload +
                                    ": the last 511 bytes are not a whole sector of 512 and are "
                                    "not served");
}

TEST_F(OpenExportTest, APayloadThatLooksLikeAQcow2ImageIsAWarning) {
  format_luks2();
  std::string payload = contents(options_.payload);
  payload.replace(0, 4, "QFI\xfb");
  write_file(options_.payload, payload);
  const std::string path = options_.payload;
  const std::string warning =
      ": it looks like a qcow2 image, and is served as it is; qemu:qcow2:PATH serves what is "
      "inside";
  for (const std::string& uri : {path, "nbdkit:file?file=" + path}) {
    options_.payload = uri;
    const OpenedExport opened = open(Access::read_only);
    EXPECT_EQ(opened.volume->size(), payload_bytes);
    ASSERT_EQ(opened.warnings.size(), 1U) << uri;
    EXPECT_TRUE(opened.warnings[0].ends_with(warning)) << opened.warnings[0];
  }
  // Here its bytes are what was asked for.
  options_.payload = "qemu:raw:" + path;
  EXPECT_TRUE(open(Access::read_only).warnings.empty());
}

TEST_F(OpenExportTest, AQcow2ImageThatBeginsNotQuiteSoIsNone) {
  format_luks2();
  for (const char* start : {"QFI\xfa", "QFIx", "qfi\xfb"}) {
    std::string payload = contents(options_.payload);
    payload.replace(0, 4, start);
    write_file(options_.payload, payload);
    EXPECT_TRUE(open().warnings.empty()) << start;
  }
}

TEST_F(OpenExportTest, ADamagedCopyOfTheHeaderIsAWarning) {
  format_luks2();
  std::string header = contents(options_.headers[0]);
  header[5000] ^= 1;
  write_file(options_.headers[0], header);
  const OpenedExport opened = open();
  ASSERT_EQ(opened.warnings.size(), 1U);
  EXPECT_NE(opened.warnings[0].find("primary copy is damaged"), std::string::npos);
}

// ---- header and payload mixed up ----

TEST_F(OpenExportTest, TheHeadersOwnFileIsNoPayload) {
  format_luks2();
  const std::string header = contents(options_.headers[0]);
  options_.payload = options_.headers[0];
  expect_error(ErrorKind::policy, "it is the header's own file", [&] { open(); });
  EXPECT_TRUE(contents(options_.headers[0]) == header);
}

TEST_F(OpenExportTest, TheHeadersOwnFileByAnotherNameIsNoPayloadEither) {
  format_luks2();
  options_.payload = directory_.file("other");
  std::filesystem::create_symlink(options_.headers[0], options_.payload);
  expect_error(ErrorKind::policy, "it is the header's own file", [&] { open(); });
  std::filesystem::remove(options_.payload);
  std::filesystem::create_hard_link(options_.headers[0], options_.payload);
  expect_error(ErrorKind::policy, "it is the header's own file", [&] { open(); });
  options_.payload = "file://" + options_.headers[0];
  expect_error(ErrorKind::policy, "it is the header's own file", [&] { open(); });
}

TEST_F(OpenExportTest, AnOffsetInsideTheHeaderOfTheSameFileIsRefused) {
  format_luks2();
  options_.payload = options_.headers[0];
  options_.payload_offset = 4096;
  expect_error(ErrorKind::policy, "inside the header", [&] { open(); });
}

TEST_F(OpenExportTest, DataBehindTheHeaderOfTheSameFileAreServed) {
  format_luks2();
  options_.payload = options_.headers[0];
  const auto size = std::filesystem::file_size(options_.headers[0]);
  ASSERT_EQ(truncate(options_.headers[0].c_str(), static_cast<off_t>(size + 8192)), 0);
  options_.payload_offset = size;
  EXPECT_EQ(open().volume->size(), 8192U);
}

TEST_F(OpenExportTest, ALuksHeaderWhereTheDataShouldBeginIsRefused) {
  format_luks2();
  write_file(options_.payload, contents(options_.headers[0]));
  expect_error(ErrorKind::policy, "there is a LUKS header at byte 0", [&] { open(); });
}

TEST_F(OpenExportTest, AnOffsetInsideTheHeaderThatThePayloadBeginsWithIsRefused) {
  format_luks2();
  options_.payload = directory_.file("whole-disk");
  std::filesystem::copy_file(options_.headers[0], options_.payload);
  std::filesystem::resize_file(options_.payload, std::uintmax_t{64} << 20);
  options_.payload_offset = 128 << 10;
  expect_error(ErrorKind::policy, "it begins with a LUKS header", [&] { open(); });
}

TEST_F(OpenExportTest, AnOffsetInsideTheSameHeaderIsRefusedWithItsPrimaryCopyDestroyedToo) {
  format_luks2();
  std::string header = contents(options_.headers[0]);
  header.replace(0, 4096, 4096, '\0');
  write_file(options_.headers[0], header);
  options_.payload = directory_.file("elsewhere");
  std::filesystem::copy_file(options_.headers[0], options_.payload);
  options_.payload_offset = 32 << 10;
  expect_error(ErrorKind::policy, "it begins with a LUKS header", [&] { open(); });
}

TEST_F(OpenExportTest, HeaderAndPayloadExchangedAreRefused) {
  format_luks2();
  std::swap(options_.headers[0], options_.payload);
  expect_error(ErrorKind::not_luks,
               "header " + options_.headers[0] + ": there is no LUKS header, but payload " +
                   options_.payload + " begins with one: are header and payload exchanged?",
               [&] { open(); });
}

TEST_F(OpenExportTest, ALostHeaderIsToldWithWhatPutsItBack) {
  format_luks2();
  write_file(options_.headers[0], std::string(5000, '\0'));
  expect_error(ErrorKind::not_luks,
               "there is no LUKS header; if there was one, luksdetached header restore puts a "
               "backup in its place",
               [&] { open(); });
}

TEST_F(OpenExportTest, AQcow2ImageForAHeaderIsToldWithWhatReadsIt) {
  format_luks2();
  write_file(options_.headers[0], "QFI\xfb" + std::string(5000, 'x'));
  expect_error(ErrorKind::not_luks,
               "there is no LUKS header; it looks like a qcow2 image: qemu:qcow2:PATH reads what "
               "is inside",
               [&] { open(); });
}

// ---- access ----

TEST_F(OpenExportTest, AReadOnlyExportNeitherWritesNorLocks) {
  format_luks2();
  const OpenedExport first = open(Access::read_only);
  EXPECT_FALSE(first.volume->writable());
  EXPECT_NO_THROW(open(Access::read_write));
}

TEST_F(OpenExportTest, TwoWritersOfOnePayloadAreRefusedUnlessLockIsFalse) {
  format_luks2();
  const OpenedExport first = open();
  expect_error(ErrorKind::payload_in_use, options_.payload, [&] { open(); });
  options_.lock = false;
  EXPECT_NO_THROW(open());
}

TEST_F(OpenExportTest, WhatIsMissingIsUnreachableAndNamed) {
  format_luks2();
  ExportOptions good = options_;
  options_.headers = {directory_.file("missing")};
  expect_error(ErrorKind::source_unreachable, options_.headers[0], [&] { open(); });
  options_ = good;
  options_.payload = directory_.file("missing");
  expect_error(ErrorKind::source_unreachable, options_.payload, [&] { open(); });
  options_ = good;
  options_.secrets = {{.path = directory_.file("missing")}};
  expect_error(ErrorKind::source_unreachable, options_.secrets[0].path, [&] { open(); });
}

}  // namespace
}  // namespace luksdetached
