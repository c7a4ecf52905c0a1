#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace luksdetached {
namespace {

// `text` with [N] for each run of N bytes that is shown as one character, and ? for other bytes.
std::string shape(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = shown_character_bytes(text);
    shown += size == 0 ? "?" : "[" + std::to_string(size) + "]";
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return shown;
}

TEST(ShownCharacterBytesTest, CharactersOfAnyLanguageAreShown) {
  EXPECT_EQ(shape("a ~"), "[1][1][1]");
  EXPECT_EQ(shape("\u00a0\u00e9\u07ff"), "[2][2][2]");
  EXPECT_EQ(shape("\u0800\u2027\u2030\ud7ff\ue000\uffef"), "[3][3][3][3][3][3]");
  EXPECT_EQ(shape("\U00010000\U0001f511\U0010ffff"), "[4][4][4]");
}

TEST(ShownCharacterBytesTest, ControlCharactersAreNot) {
  EXPECT_EQ(shape(std::string_view("\0\x1f\x7f", 3)), "???");
  EXPECT_EQ(shape("\u0080\u009f"), "????");
}

TEST(ShownCharacterBytesTest, WhatIsInvisibleOrTurnsTheDirectionIsNot) {
  for (const char* text :
       {"\u200b", "\u200f", "\u2028", "\u202e", "\u2060", "\u2066", "\u206f", "\ufeff"}) {
    EXPECT_EQ(shape(text), "???") << text;
  }
}

TEST(ShownCharacterBytesTest, WhatIsNotUtf8IsNot) {
  EXPECT_EQ(shape("\x80\xbf\xff\xfe\xf8"), "?????");
  EXPECT_EQ(shape("\xc3"), "?");
  EXPECT_EQ(shape("\xc3z"), "?[1]");
  EXPECT_EQ(shape("\xe9\x8d"), "??");
  EXPECT_EQ(shape("\xf0\x9f\x94"), "???");
  EXPECT_EQ(shape("\xc1\x81"), "??");  // A in two bytes
  EXPECT_EQ(shape("\xe0\x81\x81"), "???");
  EXPECT_EQ(shape("\xf0\x80\x81\x81"), "????");
  EXPECT_EQ(shape("\xed\xa0\x80"), "???");  // a surrogate
  EXPECT_EQ(shape("\xf4\x90\x80\x80"), "????");
}

}  // namespace
}  // namespace luksdetached
