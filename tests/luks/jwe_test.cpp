#include "luks/jwe.h"

#include <gtest/gtest.h>

#include <string>

namespace luksdetached::luks {
namespace {

using nlohmann::json;

// The members that every message has.
json message() {
  return {{"protected", "cHJv"},
          {"encrypted_key", "a2V5"},
          {"iv", "aXY"},
          {"ciphertext", "Y3Q-_"},
          {"tag", "dGFn"}};
}

TEST(JweTest, BothSerialisationsBecomeTheCompactOne) {
  EXPECT_EQ(compact_jwe(message()), "cHJv.a2V5.aXY.Y3Q-_.dGFn");
  EXPECT_EQ(compact_jwe("cHJv.a2V5.aXY.Y3Q-_.dGFn"), "cHJv.a2V5.aXY.Y3Q-_.dGFn");
}

TEST(JweTest, APartMayBeEmptyOrMissing) {
  json without = message();
  without["encrypted_key"] = "";
  EXPECT_EQ(compact_jwe(without), "cHJv..aXY.Y3Q-_.dGFn");
  without.erase("encrypted_key");
  EXPECT_EQ(compact_jwe(without), "cHJv..aXY.Y3Q-_.dGFn");
  EXPECT_EQ(compact_jwe("cHJv....").size(), 8U);
}

TEST(JweTest, WhatIsNoMessageIsEmpty) {
  for (const char* text :
       {"null", "1", "[]", "{}", "\"\"", "\"a.b.c.d\"", "\"a.b.c.d.e.f\"", "\"a b.c.d.e.f\"",
        "\"a.b\\n.c.d.e\"", "\"a+.b.c.d.e\"", "\".b.c.d.e\""}) {
    EXPECT_EQ(compact_jwe(json::parse(text)), "") << text;
  }
}

TEST(JweTest, WhatTheCompactSerialisationCannotSayIsEmpty) {
  for (const char* name : {"unprotected", "header", "aad", "recipients"}) {
    json more = message();
    more[name] = "YQ";
    EXPECT_EQ(compact_jwe(more), "") << name;
  }
  for (const char* name : {"protected", "encrypted_key", "iv", "ciphertext", "tag"}) {
    for (const json& value : {json(1), json("a.b"), json("a="), json("$(x)"), json::array()}) {
      json wrong = message();
      wrong[name] = value;
      EXPECT_EQ(compact_jwe(wrong), "") << name << " " << value;
    }
  }
  json without = message();
  without.erase("protected");
  EXPECT_EQ(compact_jwe(without), "");
}

}  // namespace
}  // namespace luksdetached::luks
