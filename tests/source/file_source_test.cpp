#include "source/file_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "testing.h"

namespace luksdetached {
namespace {

constexpr std::size_t all = SIZE_MAX;  // extents

using testing::Bytes;
using testing::error_of;
using ::testing::HasSubstr;
using testing::pattern;

class FileSourceTest : public ::testing::Test {
 protected:
  std::string make(std::uint64_t size) {
    std::ofstream(path_).close();
    std::filesystem::resize_file(path_, size);
    return path_;
  }

  testing::TempDir dir_;
  std::string path_ = dir_.file("disk");
};

TEST_F(FileSourceTest, ReadsWhatItWrote) {
  FileSource source(make(100'000), Access::read_write, true);
  EXPECT_EQ(source.size(), 100'000u);
  EXPECT_EQ(source.name(), path_);
  EXPECT_TRUE(source.writable());
  const Bytes data = pattern(5'000);
  source.write(data, 95'000, Durability::cached);
  source.flush();
  Bytes back(5'000);
  source.read(back, 95'000);
  EXPECT_EQ(back, data);
}

TEST_F(FileSourceTest, WritesDurably) {
  FileSource source(make(8'192), Access::read_write, true);
  const Bytes data = pattern(4'096);
  source.write(data, 4'096, Durability::durable);
  Bytes back(4'096);
  source.read(back, 4'096);
  EXPECT_EQ(back, data);
}

TEST_F(FileSourceTest, ReachesBeyondTwoTebibytes) {
  constexpr std::uint64_t size = (std::uint64_t{1} << 41) + 4'096;
  FileSource source(make(size), Access::read_write, true);
  EXPECT_EQ(source.size(), size);
  const Bytes data = pattern(4'096);
  source.write(data, size - 4'096, Durability::cached);
  Bytes back(4'096);
  source.read(back, size - 4'096);
  EXPECT_EQ(back, data);
}

TEST_F(FileSourceTest, ReadOnlyIsNotWritable) {
  FileSource source(make(512), Access::read_only, true);
  EXPECT_FALSE(source.writable());
}

TEST_F(FileSourceTest, FallsBackToReadingWhereWritingIsNotAllowed) {
  make(512);
  const pid_t child = ::fork();
  if (child == 0) {
    // As somebody who may only read, which root is not.
    ::chmod(path_.c_str(), 0444);
    std::filesystem::permissions(dir_.file("."), std::filesystem::perms(0755));
    if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(2);
    try {
      ::_exit(FileSource(path_, Access::read_write, true).writable() ? 1 : 0);
    } catch (...) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(FileSourceTest, RefusesASecondWriter) {
  FileSource first(make(512), Access::read_write, true);
  const Error error = error_of([&] { FileSource(path_, Access::read_write, true); });
  EXPECT_EQ(error.kind(), ErrorKind::payload_in_use);
  EXPECT_THAT(error.what(), HasSubstr(path_));
  EXPECT_THAT(error.what(), HasSubstr("this process has it locked"));
}

TEST_F(FileSourceTest, NamesTheProcessThatHasALock) {
  make(512);
  for (const int kind : {F_SETLK, F_OFD_SETLK}) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const int fd = ::open(path_.c_str(), O_RDWR);
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      if (::fcntl(fd, kind, &lock) != 0) ::_exit(1);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const Error error = error_of([&] { FileSource(path_, Access::read_write, true); });
    EXPECT_THAT(error.what(), HasSubstr("process " + std::to_string(child) + " (source_tests)"));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
  }
}

TEST_F(FileSourceTest, LetsReadersInBesideAWriter) {
  FileSource writer(make(512), Access::read_write, true);
  EXPECT_NO_THROW(FileSource(path_, Access::read_only, true));
}

TEST_F(FileSourceTest, LockFalseLetsASecondWriterIn) {
  FileSource first(make(512), Access::read_write, true);
  EXPECT_NO_THROW(FileSource(path_, Access::read_write, false));
}

TEST_F(FileSourceTest, GivesTheLockBackWhenItCloses) {
  make(512);
  { FileSource first(path_, Access::read_write, true); }
  EXPECT_NO_THROW(FileSource(path_, Access::read_write, true));
}

TEST_F(FileSourceTest, KeepsTheLockInAForkedChild) {
  make(512);
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  pid_t child = -1;
  {
    FileSource source(path_, Access::read_write, true);
    child = ::fork();
    if (child == 0) {
      char byte = 0;
      ::_exit(::read(go[0], &byte, 1) == 1 ? 0 : 1);
    }
  }
  EXPECT_EQ(error_of([&] { FileSource(path_, Access::read_write, true); }).kind(),
            ErrorKind::payload_in_use);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FileSource(path_, Access::read_write, true));
  ::close(go[0]);
  ::close(go[1]);
}

TEST_F(FileSourceTest, SaysThatTheFileBecameShorter) {
  FileSource source(make(8'192), Access::read_only, false);
  std::filesystem::resize_file(path_, 6'000);
  Bytes back(4'096);
  const Error error = error_of([&] { source.read(back, 4'096); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_EQ(error.errno_code(), EIO);
  EXPECT_THAT(error.what(), HasSubstr("it has become shorter"));
  EXPECT_THAT(error.what(), HasSubstr(path_));
}

TEST_F(FileSourceTest, DoesNotMakeAFileLongerThatBecameShorter) {
  FileSource source(make(8'192), Access::read_write, false);
  std::filesystem::resize_file(path_, 6'000);
  const Error error = error_of([&] { source.write(pattern(4'096), 4'096, Durability::cached); });
  EXPECT_EQ(error.errno_code(), EIO);
  EXPECT_THAT(error.what(), HasSubstr("cannot write 4096 bytes at 4096 of " + path_));
  EXPECT_THAT(error.what(), HasSubstr("it has become shorter"));
  EXPECT_EQ(std::filesystem::file_size(path_), 6'000u);
  EXPECT_NO_THROW(source.write(pattern(4'096), 0, Durability::cached));
}

TEST_F(FileSourceTest, SoonNoticesThatAFileInUseBecameShorter) {
  constexpr std::uint64_t mebibyte = 1 << 20;
  FileSource source(make(4 * mebibyte), Access::read_write, false);
  source.write(pattern(4'096), mebibyte, Durability::cached);
  std::filesystem::resize_file(path_, 6'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_THROW(source.write(pattern(4'096), mebibyte, Durability::cached), Error);
  EXPECT_EQ(std::filesystem::file_size(path_), 6'000u);
}

TEST_F(FileSourceTest, NoticesAtOnceThatAFileInUseLostItsEnd) {
  constexpr std::uint64_t mebibyte = 1 << 20;
  FileSource source(make(4 * mebibyte), Access::read_write, false);
  source.write(pattern(4'096), 0, Durability::cached);
  std::filesystem::resize_file(path_, 4 * mebibyte - 8'192);
  EXPECT_THROW(source.write(pattern(4'096), 4 * mebibyte - 4'096, Durability::cached), Error);
  EXPECT_EQ(std::filesystem::file_size(path_), 4 * mebibyte - 8'192);
}

TEST_F(FileSourceTest, KnowsItsSizeNow) {
  FileSource source(make(8'192), Access::read_write, false);
  std::filesystem::resize_file(path_, 10'000);
  EXPECT_EQ(source.current_size(), 10'000u);
  EXPECT_EQ(source.size(), 8'192u);
}

TEST_F(FileSourceTest, FindsTheHolesThatDiscardsMake) {
  constexpr std::uint64_t mebibyte = 1 << 20;
  FileSource source(make(4 * mebibyte), Access::read_write, false);
  EXPECT_TRUE(source.can_discard());
  EXPECT_EQ(source.extents(4 * mebibyte, 0, all), (std::vector<Extent>{{4 * mebibyte, true}}));
  const Bytes data = pattern(3 * mebibyte);
  source.write(data, 0, Durability::cached);
  EXPECT_EQ(source.extents(4 * mebibyte, 0, all),
            (std::vector<Extent>{{3 * mebibyte, false}, {mebibyte, true}}));
  source.discard(mebibyte, mebibyte);
  EXPECT_EQ(source.extents(4 * mebibyte, 0, 2),
            (std::vector<Extent>{{mebibyte, false}, {mebibyte, true}}));
  EXPECT_EQ(source.extents(4 * mebibyte, mebibyte, 1), (std::vector<Extent>{{mebibyte, true}}));
  EXPECT_EQ(
      source.extents(2 * mebibyte + 100, mebibyte / 2, all),
      (std::vector<Extent>{{mebibyte / 2, false}, {mebibyte, true}, {mebibyte / 2 + 100, false}}));
  Bytes back(mebibyte);
  source.read(back, 2 * mebibyte);
  EXPECT_TRUE(std::equal(back.begin(), back.end(), data.begin() + 2 * mebibyte));
  EXPECT_EQ(std::filesystem::file_size(path_), 4 * mebibyte);
}

TEST_F(FileSourceTest, AFileThatBecameShorterHasNoHolesWhereItEnded) {
  FileSource source(make(8'192), Access::read_only, false);
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(source.extents(4'096, 4'096, all), (std::vector<Extent>{{4'096, false}}));
}

TEST_F(FileSourceTest, PrefetchesWithoutHarm) {
  FileSource source(make(8'192), Access::read_only, false);
  EXPECT_TRUE(source.can_prefetch());
  EXPECT_NO_THROW(source.prefetch(8'192, 0));
}

TEST_F(FileSourceTest, KeepsTheErrnoOfAFailedWrite) {
  FileSource source(make(8'192), Access::read_write, false);
  rlimit before = {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {4'096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Bytes data = pattern(512);
  const Error error = error_of([&] { source.write(data, 4'096, Durability::cached); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.errno_code(), EFBIG);
  EXPECT_THAT(error.what(), HasSubstr(path_));
}

TEST_F(FileSourceTest, RefusesWhatIsNoStorage) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const Error fifo = error_of([&] { FileSource(path_, Access::read_only, false); });
  EXPECT_EQ(fifo.kind(), ErrorKind::source_unreachable);
  EXPECT_THAT(fifo.what(), HasSubstr("FIFO"));
  EXPECT_THAT(error_of([&] { FileSource(dir_.file("."), Access::read_write, true); }).what(),
              HasSubstr("directory"));
  EXPECT_THAT(error_of([&] { FileSource("/dev/null", Access::read_write, true); }).what(),
              HasSubstr("character device"));
}

TEST_F(FileSourceTest, SaysThatAFileIsMissing) {
  const Error error = error_of([&] { FileSource(path_, Access::read_only, false); });
  EXPECT_EQ(error.kind(), ErrorKind::source_unreachable);
  EXPECT_EQ(error.errno_code(), ENOENT);
  EXPECT_THAT(error.what(), HasSubstr(path_ + ": No such file"));
}

TEST_F(FileSourceTest, DoesNotLeakItsDescriptorToChildren) {
  const int next = ::dup(0);
  ::close(next);
  FileSource source(make(512), Access::read_write, true);
  EXPECT_EQ(::fcntl(next, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

}  // namespace
}  // namespace luksdetached
