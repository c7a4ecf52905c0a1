#include "crypto/sector_iv.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>

#include "../base/testing.h"

namespace luksdetached {
namespace {

std::string iv_of(IvKind kind, std::uint64_t units, std::size_t bytes) {
  testing::Bytes iv(bytes, std::byte{0xee});
  write_iv(kind, units, iv);
  return testing::to_hex(iv);
}

// dm-crypt has them in drivers/md/dm-crypt.c, crypt_iv_plain_gen and the functions after it.
TEST(SectorIvTest, FillsIvsOfEverySizeAsDmCryptDoes) {
  constexpr std::uint64_t units = 0x0123456789abcdef;
  const std::tuple<IvKind, std::size_t, std::string_view> table[] = {
      {IvKind::plain, 8, "efcdab8900000000"},
      {IvKind::plain64, 8, "efcdab8967452301"},
      {IvKind::plain64be, 8, "0123456789abcdef"},
      {IvKind::essiv, 8, "efcdab8967452301"},
      {IvKind::plain, 16, "efcdab89000000000000000000000000"},
      {IvKind::plain64, 16, "efcdab89674523010000000000000000"},
      {IvKind::plain64be, 16, "00000000000000000123456789abcdef"},
      {IvKind::essiv, 16, "efcdab89674523010000000000000000"},
      {IvKind::plain64, 32, "efcdab8967452301000000000000000000000000000000000000000000000000"},
      {IvKind::plain64be, 32, "0000000000000000000000000000000000000000000000000123456789abcdef"},
  };
  for (const auto& [kind, bytes, iv] : table) EXPECT_EQ(iv_of(kind, units, bytes), iv);
}

TEST(SectorIvTest, KindsAreFoundByTheirNames) {
  EXPECT_EQ(find_iv_kind("plain"), IvKind::plain);
  EXPECT_EQ(find_iv_kind("plain64"), IvKind::plain64);
  EXPECT_EQ(find_iv_kind("plain64be"), IvKind::plain64be);
  EXPECT_EQ(find_iv_kind("essiv"), IvKind::essiv);
  for (const std::string_view name : {"", "plain6", "plain65", "Plain", "benbi", "essiv:sha256"}) {
    EXPECT_EQ(find_iv_kind(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace luksdetached
