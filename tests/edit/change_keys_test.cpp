#include "server/edit/change_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "../base/testing.h"
#include "testing.h"

namespace luksdetached::edit {
namespace {

using testing::expect_error;
using testing::in_use;
using testing::Luks1Image;
using testing::opens;
using testing::secret_of;

// Of a cipher whose key slots libcryptsetup does not make: it would not take a wrong volume key.
class ChangeKeysTest : public ::testing::Test {
 protected:
  ChangeKeysTest() {
    image.add_key(0, "old");
    std::ofstream(folder.file("header"), std::ios::binary)
        .write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
    options.headers = {folder.file("header")};
    volume_key = SecureBuffer(image.volume_key.size());
    std::copy(image.volume_key.begin(), image.volume_key.end(), volume_key.data());
  }
  testing::Bytes content() const {
    std::ifstream file(folder.file("header"), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return testing::to_bytes(text);
  }
  void add(const luks::KdfLimits& limits) {
    EditedHeader header(options, [](const std::string& /*warning*/) {});
    add_key(header, volume_key, secret_of("new"), {.id = 1, .kdf = {.iterations = 1000}}, limits);
    EXPECT_TRUE(in_use(header.loaded(), 1));
  }

  testing::TempDir folder;
  Luks1Image image{"serpent", "xts-plain64", 64};
  ExportOptions options;
  SecureBuffer volume_key;
};

TEST_F(ChangeKeysTest, ANewKeySlotIsWritten) {
  add({});
  EXPECT_TRUE(opens(testing::loaded(content()), "new", 1));
}

TEST_F(ChangeKeysTest, AKeySlotThatDoesNotOpenIsNotWritten) {
  volume_key.data()[0] ^= std::byte{1};
  expect_error(ErrorKind::wrong_secret, "key slot 1", [&] { add({}); });
  EXPECT_EQ(content(), image.bytes);
}

TEST_F(ChangeKeysTest, AKeySlotThatCostsTooMuchToOpenIsNotWritten) {
  expect_error(ErrorKind::key_derivation, "asks for 1000, the limit is 999",
               [&] { add({.iterations_max = 999}); });
  EXPECT_EQ(content(), image.bytes);
}

}  // namespace
}  // namespace luksdetached::edit
