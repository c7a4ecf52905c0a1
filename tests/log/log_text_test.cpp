#include "log/log_text.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

using namespace std::string_literals;

TEST(LogTextTest, WhatALogCannotTakeBecomesHex) {
  EXPECT_EQ(one_line("a\nb\r\x1b[31m\x7f\0c"s, 100), "a\\x0ab\\x0d\\x1b[31m\\x7f\\x00c");
  EXPECT_EQ(one_line("\xff\xc3", 100), "\\xff\\xc3");                 // no UTF-8
  EXPECT_EQ(one_line("\xe2\x80\xa8", 100), "\\xe2\\x80\\xa8");        // line separator
  EXPECT_EQ(one_line("a\xe2\x80\xae z", 100), "a\\xe2\\x80\\xae z");  // right to left
  EXPECT_EQ(one_line("\xc2\x85", 100), "\\xc2\\x85");                 // next line, of ISO 6429
}

TEST(LogTextTest, OtherTextStaysAsItIs) {
  EXPECT_EQ(one_line("Zoë's \"vm\" at C:\\", 100), "Zoë's \"vm\" at C:\\");
}

TEST(LogTextTest, QuotesHoldNoQuoteThatEndsThem) {
  EXPECT_EQ(quoted("a\" uid=0 \\", 100), "\"a\\\" uid=0 \\\\\"");
  EXPECT_EQ(quoted("a\nb", 100), "\"a\\x0ab\"");
  EXPECT_EQ(quoted("", 100), "\"\"");
}

TEST(LogTextTest, IsCutAtTheEndOfACharacter) {
  EXPECT_EQ(one_line("abcdef", 6), "abcdef");
  EXPECT_EQ(one_line("abcdefg", 6), "abcdef…");
  EXPECT_EQ(one_line("aé", 2), "a…");
  EXPECT_EQ(quoted("a\"\"", 3), "\"a\\\"…\"");
  EXPECT_EQ(one_line("ab\n", 5), "ab…");
}

}  // namespace
}  // namespace luksdetached
