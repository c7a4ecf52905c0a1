#include "export/required_header.h"

#include <gtest/gtest.h>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::expect_error;
using testing::to_bytes;

class RequiredHeaderTest : public ::testing::Test {
 protected:
  RequiredHeaderTest() {
    loaded_.header.version = 2;
    loaded_.header.uuid = "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11";
    loaded_.header.segment.encryption = "aes-xts-plain64";
    loaded_.header.end = 3;
    loaded_.image = to_bytes("abc");
  }

  void accepted() { EXPECT_NO_THROW(check_required_header(options_, loaded_)); }
  void refused(std::string_view word) {
    expect_error(ErrorKind::policy, word, [&] { check_required_header(options_, loaded_); });
  }

  ExportOptions options_;
  LoadedHeader loaded_;
};

TEST_F(RequiredHeaderTest, AnyHeaderWillDoWhereNothingIsRequired) {
  accepted();
}

TEST_F(RequiredHeaderTest, ItsVersion) {
  options_.require_luks = 2;
  accepted();
  options_.require_luks = 1;
  refused("it is not the expected header: require-luks=1, but it has 2");
}

TEST_F(RequiredHeaderTest, ItsUuidWhateverTheCaseOfLetters) {
  options_.require_uuid = "5A7E1A0D-9d3c-4f0e-8a4e-0c8f2f3f1b11";
  accepted();
  options_.require_uuid = "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b12";
  refused("but it has 5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11");
}

TEST_F(RequiredHeaderTest, ItsCipher) {
  options_.require_cipher = "aes-xts-plain64";
  accepted();
  options_.require_cipher = "aes-xts-plain";
  refused("require-cipher=aes-xts-plain, but it has aes-xts-plain64");
}

// The digest of "abc" is the example of FIPS 180-4.
TEST_F(RequiredHeaderTest, EveryByte) {
  options_.header_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  accepted();
  loaded_.image = to_bytes("abc and what is behind the header");
  accepted();
  loaded_.image = to_bytes("abd");
  refused("header-sha256=ba7816bf");
}

}  // namespace
}  // namespace luksdetached
