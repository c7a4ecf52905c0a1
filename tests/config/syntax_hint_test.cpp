#include "config/syntax_hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/service_config.h"

namespace luksdetached {
namespace {

using ::testing::EndsWith;

constexpr const char* closing_quote =
    "; a string needs its closing quote, on the same line if it has one quote";
constexpr const char* quotes =
    "; a text needs quotes, true and false have none and are in lower case";
constexpr const char* unit = "; a number with a unit needs quotes, as in \"16M\"";

// What is said of a file, by the parser that words these.
std::string said_of(const std::string& text) {
  try {
    parse_config(text, "F", [](std::string_view uri) { return std::string(uri); });
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "good";
}

TEST(SyntaxHint, AWordWithoutQuotes) {
  for (const char* word :
       {"yes", "True", "False", "on", "off", "no", "never", "In", "/path", "tru"}) {
    EXPECT_THAT(said_of("a = " + std::string(word)), EndsWith(quotes)) << word;
  }
}

TEST(SyntaxHint, AStringWithoutItsEnd) {
  for (const char* value : {"\"x", "'x", "\"\"\"x\n", "'''x\ny = 1", "\"x\r\ny = 1", "\"é"}) {
    EXPECT_THAT(said_of("a = " + std::string(value)), EndsWith(closing_quote)) << value;
    EXPECT_THAT(said_of("# é\n\na = " + std::string(value)), EndsWith(closing_quote)) << value;
  }
}

TEST(SyntaxHint, ANumberWithAUnit) {
  EXPECT_THAT(said_of("a = 16M"), EndsWith(unit));
  EXPECT_THAT(said_of("a = 2048s"), EndsWith(unit));
}

TEST(SyntaxHint, OthersSpeakForThemselves) {
  for (const char* text : {"a", "a = 1\na = 2", "a = \"\\q\"", "a = \"\x1b\"", "a = [1 2]", "[a"}) {
    EXPECT_EQ(said_of(text).find(';'), std::string::npos) << said_of(text);
  }
}

}  // namespace
}  // namespace luksdetached
