#include "server/edit/payload_signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "../base/testing.h"
#include "source/file_source.h"

namespace luksdetached::edit {
namespace {

using testing::Bytes;
using testing::to_bytes;

class PayloadSignatureTest : public ::testing::Test {
 protected:
  std::string found(const Bytes& bytes) const {
    std::ofstream(folder.file("payload"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    FileSource source(folder.file("payload"), Access::read_only, false);
    return find_signature(source);
  }
  static void put(Bytes& bytes, std::size_t offset, std::string_view text) {
    std::ranges::copy(to_bytes(text), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  testing::TempDir folder;
};

TEST_F(PayloadSignatureTest, NothingIsKnownOfZerosAndNoise) {
  for (const std::size_t size : {0, 1, 512, 4096, 3 << 20}) {
    EXPECT_EQ(found(Bytes(size)), "") << size;
    EXPECT_EQ(found(testing::pattern(size)), "") << size;
  }
}

TEST_F(PayloadSignatureTest, ALuksHeaderIsFound) {
  Bytes bytes(4096);
  put(bytes, 0, std::string_view("LUKS\xba\xbe", 6));
  EXPECT_EQ(found(bytes), "a LUKS header");
}

TEST_F(PayloadSignatureTest, SwapSpaceIsFound) {
  Bytes bytes(1 << 20);
  put(bytes, 4096 - 10, "SWAPSPACE2");
  put(bytes, 1024, std::string_view("\1\0\0\0\xff\0\0\0", 8));  // version, last page
  EXPECT_EQ(found(bytes), "swap");
}

TEST_F(PayloadSignatureTest, APartitionTableIsFound) {
  Bytes bytes(1 << 20);
  put(bytes, 510, "\x55\xaa");
  put(bytes, 446 + 4, "\x83");  // one partition of Linux, from sector 8 on, 100 sectors
  put(bytes, 446 + 8, std::string_view("\x08\0\0\0\x64\0\0\0", 8));
  EXPECT_EQ(found(bytes), "a dos partition table");
}

}  // namespace
}  // namespace luksdetached::edit
