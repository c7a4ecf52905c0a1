#include "luks/display_text.h"

#include <gtest/gtest.h>

namespace luksdetached::luks {
namespace {

TEST(DisplayTextTest, TextInAnyLanguageStaysAsItIs) {
  for (const char* text : {"", "aes-xts-plain64", "Gr\u00f6\u00dfe", "\u9375", "\U0001f511",
                           "\u00a0", "\ud7ff\ue000", "\u0800", "\U00010000", "\U0010ffff"}) {
    EXPECT_EQ(display_text(text), text);
  }
}

TEST(DisplayTextTest, ControlCharactersAreReplaced) {
  EXPECT_EQ(display_text("a\x1b[2J\x7f\n"), "a?[2J??");
  EXPECT_EQ(display_text(std::string_view("\0a", 2)), "?a");
  EXPECT_EQ(display_text("\u009b2J"), "??2J");  // the one-character form of ESC [
}

TEST(DisplayTextTest, BytesThatAreNotUtf8AreReplacedOneByOne) {
  EXPECT_EQ(display_text("\xff\xfe"), "??");
  EXPECT_EQ(display_text("\x80z"), "?z");
  EXPECT_EQ(display_text("\xc3"), "?");
  EXPECT_EQ(display_text("\xc3z"), "?z");
  EXPECT_EQ(display_text("\xe9\x8d"), "??");
  EXPECT_EQ(display_text("\xf0\x9f\x94"), "???");
  EXPECT_EQ(display_text("\xf8\x88\x80\x80\x80"), "?????");
}

TEST(DisplayTextTest, OverlongAndImpossibleCharactersAreReplaced) {
  EXPECT_EQ(display_text("\xc1\x81"), "??");       // A in two bytes
  EXPECT_EQ(display_text("\xe0\x81\x81"), "???");  // and in three
  EXPECT_EQ(display_text("\xf0\x80\x81\x81"), "????");
  EXPECT_EQ(display_text("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(display_text("\xf4\x90\x80\x80"), "????");  // beyond Unicode
}

TEST(DisplayTextTest, ANameIsCutAfter40Bytes) {
  EXPECT_EQ(display_name(std::string(40, 'a')), std::string(40, 'a'));
  EXPECT_EQ(display_name(std::string(39, 'a') + "\nb"), std::string(39, 'a') + "?");
}

}  // namespace
}  // namespace luksdetached::luks
