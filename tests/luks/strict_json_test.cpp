#include "luks/strict_json.h"

#include <gtest/gtest.h>

#include <string>

#include "../base/testing.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::expect_error;

constexpr auto damaged = ErrorKind::header_damaged;

// `levels` arrays inside one another, the innermost one with `innermost` in it.
std::string nested(std::size_t levels, const std::string& innermost) {
  return std::string(levels, '[') + innermost + std::string(levels, ']');
}

TEST(StrictJsonTest, GivesWhatIsThere) {
  const auto document = parse_strict_json(R"({"a": [1, -2, 1.5, null, true, "\u00e4"], "b": {}} )");
  EXPECT_EQ(document["a"].size(), 6U);
  EXPECT_EQ(document["a"][5], "\u00e4");
  EXPECT_TRUE(document["b"].is_object());
}

TEST(StrictJsonTest, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", "{", "{} x", "{}{}", "{,}", "{\"a\":1,}", "{a:1}", "{'a':1}", "/* x */ {}", "[NaN]",
        "[1,]", "[01]", "\"\\x\"", "\"a\nb\"", "\"\xff\"", "\"\\ud800\"", "[tru]"}) {
    SCOPED_TRACE(text);
    expect_error(damaged, "not valid at byte", [&] { parse_strict_json(text); });
  }
  expect_error(damaged, "not valid", [] { parse_strict_json("[1e999]"); });
}

TEST(StrictJsonTest, RefusesANameTwiceInOneObject) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"([{"a":1},{"a":1,"b":{},"a":1}])",
        R"({"x":{"a":{"y":1},"a":{"y":1}}})"}) {
    SCOPED_TRACE(text);
    expect_error(damaged, "the name 'a' twice", [&] { parse_strict_json(text); });
  }
  EXPECT_NO_THROW(parse_strict_json(R"([{"a":{"a":1}},{"a":1},{"b":{"a":1}}])"));
}

TEST(StrictJsonTest, ADuplicatedNameIsShownWithoutItsControlCharacters) {
  expect_error(damaged, "the name 'a?[31m?b' twice",
               [] { parse_strict_json("{\"a\\u001b[31m\\nb\":1,\"a\\u001b[31m\\nb\":2}"); });
}

TEST(StrictJsonTest, TheDeepestValueIsOnLevel32) {
  EXPECT_NO_THROW(parse_strict_json(nested(32, "")));
  EXPECT_NO_THROW(parse_strict_json(nested(31, "1")));
  EXPECT_NO_THROW(parse_strict_json(nested(31, "{}")));
  for (const std::string& text :
       {nested(33, ""), nested(32, "1"), nested(32, "null"), nested(32, "{}"),
        nested(31, R"({"a":"x"})"), nested(5000, ""), std::string(5000, '[')}) {
    expect_error(damaged, "nested too deeply", [&] { parse_strict_json(text); });
  }
}

// For cryptsetup they are the names before the NUL, and twice there.
TEST(StrictJsonTest, RefusesNamesWithNul) {
  for (const char* text :
       {R"({"a":1,"a\u0000":2})", R"({"a":{"\u0000":2}})", R"([{"x\u0000y":0}])"}) {
    expect_error(damaged, "a name with NUL", [&] { parse_strict_json(text); });
  }
  EXPECT_NO_THROW(parse_strict_json(R"({"a":"x\u0000y"})"));
}

TEST(StrictJsonTest, ManyValuesBesideOneAnotherAreNotDeep) {
  EXPECT_NO_THROW(parse_strict_json("[" + nested(20, "") + "," + nested(20, "") + "]"));
}

// The library's own way to look at each object as it ends takes the square of their number.
TEST(StrictJsonTest, RefusesMoreValuesThanAnyHeaderHasInAnInstant) {
  std::string text = R"({"z":[)";
  while (text.size() < (std::size_t{4} << 20)) text += "{},";
  text += "{}]}";
  expect_error(damaged, "more than 65536 values", [&] { parse_strict_json(text); });
}

TEST(StrictJsonTest, TakesAsManyValuesAsTheLimit) {
  std::string text = "[0";
  for (int n = 0; n < 65534; ++n) text += ",0";
  EXPECT_EQ(parse_strict_json(text + "]").size(), 65535U);
  expect_error(damaged, "more than 65536 values", [&] { parse_strict_json(text + ",0]"); });
}

}  // namespace
}  // namespace luksdetached::luks
