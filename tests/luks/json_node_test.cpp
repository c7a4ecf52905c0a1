#include "luks/json_node.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../base/testing.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::expect_error;
using nlohmann::json;

constexpr auto damaged = ErrorKind::header_damaged;

TEST(NodeTest, ComplaintsNameThePlace) {
  const json document = {{"a", {{"b", json::array({1})}}}};
  const Node root(document, "");
  expect_error(damaged, "JSON a.c is missing", [&] { root.object("a").child("c"); });
  expect_error(damaged, "JSON a.b is not an object", [&] { root.object("a").object("b"); });
  expect_error(damaged, "JSON a is not an array", [&] { root.array("a"); });
  expect_error(damaged, "JSON a.b[0] is not a string", [&] { root.object("a").shown_texts("b"); });
  EXPECT_STREQ(root.object("a").complaint("is odd").what(),
               "the LUKS header is damaged: JSON a is odd");
}

TEST(NodeTest, NamesInComplaintsAreCutAndPrintable) {
  const json document = {{"\x1b[2J" + std::string(60, 'x'), {}}};
  expect_error(damaged, "JSON ?[2J" + std::string(36, 'x') + " is not numbered",
               [&] { Node(document, "").for_each_numbered([](unsigned, const Node&) {}); });
}

TEST(NodeTest, TextIsPrintableAsciiAndShownTextIsMadeSo) {
  const json document = {{"a", "aes"}, {"b", "a\nb\u00e4"}, {"c", ""}, {"d", 1}};
  const Node root(document, "");
  EXPECT_EQ(root.text("a"), "aes");
  EXPECT_EQ(root.shown_text("b"), "a?b\u00e4");
  expect_error(damaged, "b holds characters that are not printable ASCII", [&] { root.text("b"); });
  for (const char* name : {"text", "shown"}) {
    SCOPED_TRACE(name);
    const auto read = [&](const char* member) {
      return name[0] == 't' ? root.text(member) : root.shown_text(member);
    };
    expect_error(damaged, "c is empty", [&] { read("c"); });
    expect_error(damaged, "d is not a string", [&] { read("d"); });
    expect_error(damaged, "e is missing", [&] { read("e"); });
  }
}

TEST(NodeTest, NumbersOf32BitsAreNumbers) {
  const json document = json::parse(
      R"({"zero": 0, "most": 4294967295, "more": 4294967296, "minus": -1, "half": 1.5,
          "whole": 1.0, "text": "1", "huge": 18446744073709551615})");
  const Node root(document, "");
  EXPECT_EQ(root.u32("zero"), 0U);
  EXPECT_EQ(root.positive_u32("most"), 4294967295U);
  expect_error(damaged, "zero is 0", [&] { root.positive_u32("zero"); });
  for (const char* name : {"more", "minus", "half", "whole", "text", "huge"}) {
    expect_error(damaged, std::string(name) + " is not a whole number from 0 to 4294967295",
                 [&] { root.u32(name); });
  }
}

TEST(NodeTest, NumbersOf64BitsAreDecimalDigits) {
  const json document = {{"zero", "0"}, {"most", "18446744073709551615"}};
  EXPECT_EQ(Node(document, "").u64("zero"), 0U);
  EXPECT_EQ(Node(document, "").u64("most"), UINT64_MAX);
  for (const char* text : {"18446744073709551616", "+1", "-1", " 1", "1 ", "0x1", "1.0", "x"}) {
    const json odd = {{"n", text}};
    expect_error(damaged, "n is not a decimal number below 2^64", [&] { Node(odd, "").u64("n"); });
  }
  const json number = {{"n", 1}};
  expect_error(damaged, "n is not a string", [&] { Node(number, "").u64("n"); });
}

TEST(NodeTest, Base64MayHaveToHaveASize) {
  const json document = {{"b", "AAEC"}, {"odd", "AAE"}};
  const Node root(document, "");
  EXPECT_EQ(root.base64("b").size(), 3U);
  EXPECT_EQ(root.base64("b", 3), root.base64("b"));
  expect_error(damaged, "b has 3 bytes instead of 4", [&] { root.base64("b", 4); });
  expect_error(damaged, "odd is not base64", [&] { root.base64("odd"); });
}

TEST(NodeTest, NoListIsAnEmptyOne) {
  const json document = json::object();
  EXPECT_TRUE(Node(document, "").shown_texts("flags").empty());
}

TEST(NodeTest, ReferencesAreNumbersOfMembers) {
  const json document = {{"slots", {{"0", {}}, {"31", {}}, {"01", {}}, {"x", {}}}},
                         {"good", {"31", "0", "31"}},
                         {"missing", {"0", "7"}},
                         {"padded", json::array({"01"})},
                         {"named", json::array({"x"})},
                         {"number", json::array({0})}};
  const Node root(document, "");
  const Node slots = root.object("slots");
  EXPECT_EQ(root.references("good", slots), (std::set<unsigned>{0, 31}));
  expect_error(damaged, "missing[1] refers to slots.7, which does not exist",
               [&] { root.references("missing", slots); });
  expect_error(damaged, "refers to slots.01", [&] { root.references("padded", slots); });
  expect_error(damaged, "refers to slots.x", [&] { root.references("named", slots); });
  expect_error(damaged, "number[0] is not a string", [&] { root.references("number", slots); });
}

TEST(NodeTest, MembersAreNumberedFrom0To31) {
  const json document = {{"0", json::object()}, {"31", json::object()}};
  std::set<unsigned> seen;
  Node(document, "").for_each_numbered([&](unsigned id, const Node&) { seen.insert(id); });
  EXPECT_EQ(seen, (std::set<unsigned>{0, 31}));
  for (const char* name : {"32", "01", "a", "", "-1", "+1", "0 ", "4294967296"}) {
    const json odd = {{name, json::object()}};
    expect_error(damaged, "is not numbered from 0 to 31",
                 [&] { Node(odd, "").for_each_numbered([](unsigned, const Node&) {}); });
  }
  const json number = {{"0", 1}};
  expect_error(damaged, "JSON 0 is not an object",
               [&] { Node(number, "").for_each_numbered([](unsigned, const Node&) {}); });
}

}  // namespace
}  // namespace luksdetached::luks
