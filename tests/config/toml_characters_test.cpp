#include "config/toml_characters.h"

#include <gtest/gtest.h>

#include <string>

namespace luksdetached {
namespace {

// "LINE:COLUMN", or "none".
std::string found(std::string_view text) {
  const auto place = find_non_ascii(0, text);
  if (!place) return "none";
  return std::to_string(place->line) + ":" + std::to_string(place->column);
}

TEST(TomlCharactersTest, StringsAndCommentsMayHoldAnyCharacter) {
  for (const char* text :
       {"", "a = 1", "a = \"é\"", "a = 'é'", "# é", "a = 1 # é \"", "a = \"\"\"\né\n\"\"\"",
        "a = '''\né\n'''", "a = \"\\\"é\"", "a = \"\\\\\" # é", "a = \"\"\"é\\\"\"\"\"",
        "a = '\\' # é", "a = [\"é\", 'é']"}) {
    EXPECT_EQ(found(text), "none") << text;
  }
}

TEST(TomlCharactersTest, ElsewhereTheFirstOneIsFound) {
  EXPECT_EQ(found("é = 1"), "1:1");
  EXPECT_EQ(found("a = 1\nbé = 2"), "2:2");
  EXPECT_EQ(found("a = 'é' é"), "1:9");
  EXPECT_EQ(found("a = \"\\\\\" é"), "1:10");
  EXPECT_EQ(found("a = '''x'''é"), "1:12");
  EXPECT_EQ(found("# é\né"), "2:1");
}

// The parser complains about these; here they must only come to an end.
TEST(TomlCharactersTest, AStringOfOneLineEndsWithItsLine) {
  EXPECT_EQ(found("a = \"x\né"), "2:1");
  EXPECT_EQ(found("a = 'x\né"), "2:1");
  EXPECT_EQ(found("a = \"\"\"x\né"), "none");
  EXPECT_EQ(found("a = \"\\"), "none");
}

TEST(TomlCharactersTest, AByteOrderMarkIsSkippedByTheCaller) {
  EXPECT_EQ(find_non_ascii(3,
                           "\xef\xbb\xbf"
                           "a = 1"),
            std::nullopt);
}

// The place of the first byte that is not UTF-8 as "LINE:COLUMN", or "none".
std::string found_invalid(std::string_view text) {
  const auto place = find_invalid_utf8(text);
  if (!place) return "none";
  return std::to_string(place->line) + ":" + std::to_string(place->column);
}

TEST(TomlCharactersTest, CharactersOfEveryLengthAreUtf8) {
  for (const char* text :
       {"", "a\x7f", "\xc2\x80 \xdf\xbf", "\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf",
        "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(found_invalid(text), "none") << text;
  }
}

TEST(TomlCharactersTest, WhatIsNotUtf8IsFoundWhereItBegins) {
  for (const char* text :
       {"\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xe2\x80", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(found_invalid(text), "1:1") << text;
    EXPECT_EQ(found_invalid("a\né" + std::string(text) + "b"), "2:2") << text;
  }
}

}  // namespace
}  // namespace luksdetached
