#include "server/edit/edited_header.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::loaded;
using testing::Luks2Image;

void ignore(const std::string& /*warning*/) {}

// Storage in memory that notes what is done to it.
class NotingSource : public Source {
 public:
  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return 1 << 20; }
  bool writable() const noexcept override { return true; }
  std::size_t preferred_request() const noexcept override { return 65536; }
  void read(std::span<std::byte> /*to*/, std::uint64_t /*offset*/) override {}
  void write(std::span<const std::byte> from, std::uint64_t offset, Durability) override {
    done.push_back("write " + std::to_string(from.size()) + " at " + std::to_string(offset));
  }
  void flush() override {
    if (done.size() >= fails_at) throw Error(ErrorKind::io, "the disk is full");
    done.emplace_back("flush");
  }

  std::vector<std::string> done;
  std::size_t fails_at = 1000;

 private:
  std::string name_ = "vm1";
};

const WritePlan two_stages = {{"one", {{0, Bytes(512)}, {1024, Bytes(1024)}}},
                              {"another", {{512, Bytes(512)}}}};

TEST(CarryOutTest, EachStageIsFlushedBeforeTheNextOne) {
  NotingSource source;
  carry_out(two_stages, source);
  EXPECT_EQ(source.done, (std::vector<std::string>{"write 512 at 0", "write 1024 at 1024", "flush",
                                                   "write 512 at 512", "flush"}));
}

TEST(CarryOutTest, AfterAFailureNothingIsWritten) {
  NotingSource source;
  source.fails_at = 2;
  expect_error(ErrorKind::io, "header vm1: while writing one: the disk is full",
               [&] { carry_out(two_stages, source); });
  EXPECT_EQ(source.done.size(), 2U);
}

class EditedHeaderTest : public ::testing::Test {
 protected:
  EditedHeaderTest() {
    image.add_key(0, "old");
    put(image.bytes());
    options.headers = {folder.file("header")};
  }
  void put(const Bytes& bytes) const {
    std::ofstream(folder.file("header"),
                  std::ios::binary | std::ios::in | std::ios::out | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  Bytes content() const {
    std::ifstream file(folder.file("header"), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return testing::to_bytes(text);
  }
  LoadedHeader with_another_key() const {
    Luks2Image other = image;
    other.add_key(1, "new");
    ++other.sequence;
    return loaded(other.bytes());
  }

  testing::TempDir folder;
  Luks2Image image;
  ExportOptions options;
};

TEST_F(EditedHeaderTest, IsWrittenWhereItIs) {
  EditedHeader header(options, ignore);
  const LoadedHeader changed = with_another_key();
  header.write(changed, 1);
  EXPECT_EQ(content(), changed.image);
  EXPECT_EQ(header.loaded().image, changed.image);
}

TEST_F(EditedHeaderTest, AnotherChangeThanOfTheKeySlotIsNotWritten) {
  EditedHeader header(options, ignore);
  expect_error(ErrorKind::header_damaged, "was not written",
               [&] { header.write(with_another_key(), 2); });
  EXPECT_EQ(content(), image.bytes());
}

TEST_F(EditedHeaderTest, WhatSomebodyElseHasChangedIsNotOverwritten) {
  EditedHeader header(options, ignore);
  Luks2Image theirs = image;
  ++theirs.sequence;
  put(theirs.bytes());
  expect_error(ErrorKind::io, "somebody else has changed it",
               [&] { header.write(with_another_key(), 1); });
  EXPECT_EQ(content(), theirs.bytes());
}

TEST_F(EditedHeaderTest, HasOneEditorAtATime) {
  const EditedHeader header(options, ignore);
  expect_error(ErrorKind::payload_in_use, "locked", [&] { EditedHeader(options, ignore); });
}

TEST_F(EditedHeaderTest, IsTheRequiredOne) {
  options.require_uuid = "00000000-0000-0000-0000-000000000000";
  expect_error(ErrorKind::policy, "not the expected header",
               [&] { EditedHeader(options, ignore); });
}

}  // namespace
}  // namespace luksdetached::edit
