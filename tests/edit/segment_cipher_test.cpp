#include "server/edit/segment_cipher.h"

#include <gtest/gtest.h>

#include "../base/testing.h"
#include "luks/same_volume.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;
using testing::loaded;
using testing::Luks1Image;
using testing::Luks2Image;
using testing::opens;

TEST(SegmentCipherTest, NothingElseOfALuks2HeaderChanges) {
  Luks2Image image;
  image.add_key(0, "secret");
  const LoadedHeader before = loaded(image.bytes());
  const LoadedHeader after = with_segment_cipher(before, "serpent-xts-plain64");
  EXPECT_EQ(luks::volume_difference(after.header, before.header),
            "the cipher is serpent-xts-plain64, not aes-xts-plain64");
  EXPECT_TRUE(opens(after, "secret", 0));
  EXPECT_EQ(after.header.copies[0].problem + after.header.copies[1].problem, "");
  EXPECT_TRUE(after.header.warnings.empty());
}

TEST(SegmentCipherTest, NothingElseOfALuks1HeaderChanges) {
  Luks1Image image;
  image.add_key(0, "secret");
  const LoadedHeader before = loaded(image.bytes);
  const LoadedHeader after = with_segment_cipher(before, "twofish-cbc-essiv:sha256");
  EXPECT_EQ(after.header.segment.encryption, "twofish-cbc-essiv:sha256");
  EXPECT_EQ(with_segment_cipher(after, "aes-xts-plain64").image, before.image);
}

TEST(SegmentCipherTest, ANameWithoutRoomIsRefused) {
  Luks1Image image;
  image.add_key(0, "secret");
  expect_error(ErrorKind::usage, "no room", [&] {
    (void)with_segment_cipher(loaded(image.bytes), "aes-" + std::string(32, 'x'));
  });
}

}  // namespace
}  // namespace luksdetached::edit
