#include "server/header_json.h"

#include <gtest/gtest.h>

#include <string>

#include "sample_header.h"

namespace luksdetached {
namespace {

using luks::Header;
using nlohmann::json;
using testing::sample_header;
using testing::sample_luks1_header;

json report(const Header& header) {
  return json(header_json("vm1.img", "0123abcd", header));
}

TEST(HeaderJsonTest, AUsualHeaderHasEveryMember) {
  Header header = sample_header();
  header.label = "backup";
  header.subsystem = "vm";
  header.flags = {"allow-discards", "no-read-workqueue"};
  header.segment.size = 1 << 20;
  header.keyslots.pop_back();
  header.tokens = {{3, "systemd-tpm2", {0}}};
  header.warnings = {"the primary copy is used"};
  const json expected = json::parse(R"({
    "schema": 1, "valid": true, "servable": true, "header": "vm1.img", "refusals": [],
    "warnings": ["the primary copy is used"],
    "weaknesses": [{"id": "single-keyslot", "keyslots": [0], "message":
      "the only one: if its secret is lost or its area is damaged, so is the volume"}],
    "version": 2, "uuid": "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11",
    "label": "backup", "subsystem": "vm", "flags": ["allow-discards", "no-read-workqueue"],
    "header_size": 4227072, "header_sha256": "0123abcd", "metadata_size": 16384, "keyslots_size": 4194304,
    "copies": [
      {"offset": 0, "good": true, "used": true, "sequence": 7, "problem": null},
      {"offset": 16384, "good": true, "used": false, "sequence": 7, "problem": null}],
    "segment": {"encryption": "aes-xts-plain64", "key_size": 64, "sector_size": 4096,
      "offset": 0, "size": 1048576},
    "digest": {"type": "pbkdf2", "hash": "sha256", "iterations": 1000},
    "keyslots": [{"id": 0, "state": "bound", "priority": "normal", "problem": null,
      "key_size": 64,
      "kdf": {"type": "argon2id", "time": 4, "memory_kib": 1048576, "lanes": 2},
      "af": {"hash": "sha256", "stripes": 4000},
      "area": {"encryption": "aes-xts-plain64", "key_size": 64, "offset": 32768,
        "size": 256000}}],
    "tokens": [{"id": 3, "type": "systemd-tpm2", "keyslots": [0]}]})");
  EXPECT_EQ(report(header), expected) << json::diff(expected, report(header)).dump(2);
}

TEST(HeaderJsonTest, WhatThereIsNotIsNullOrEmpty) {
  const json luks1 = report(sample_luks1_header());
  for (const char* name : {"label", "subsystem", "metadata_size", "keyslots_size"}) {
    EXPECT_TRUE(luks1.at(name).is_null()) << name;
  }
  EXPECT_EQ(luks1["copies"], json::array());
  EXPECT_EQ(luks1["tokens"], json::array());
  EXPECT_TRUE(luks1["segment"]["size"].is_null());
  EXPECT_EQ(luks1["keyslots"][0]["kdf"],
            json::parse(R"({"type": "pbkdf2", "hash": "sha256", "iterations": 2000000})"));
}

TEST(HeaderJsonTest, ABadCopyHasAProblemAndPerhapsNoSequence) {
  Header header = sample_header();
  header.copies[1].problem = "its checksum does not match";
  header.copies[1].sequence = 0;
  const json copy = report(header)["copies"][1];
  EXPECT_EQ(copy["good"], false);
  EXPECT_TRUE(copy["sequence"].is_null());
  EXPECT_EQ(copy["problem"], "its checksum does not match");
  header.copies[1].sequence = 6;
  EXPECT_EQ(report(header)["copies"][1]["sequence"], 6);
}

TEST(HeaderJsonTest, StatesAndPrioritiesOfKeySlots) {
  Header header = sample_header();
  header.keyslots[0].bound = false;
  header.keyslots[0].priority = 0;
  header.keyslots[1].priority = 2;
  header.keyslots[1].unusable = "key derivation 'scrypt' is not supported";
  header.keyslots[1].kdf.cost = luks::Pbkdf2Cost{};
  header.keyslots[1].area_encryption.clear();
  header.keyslots[0].af_hash.reset();
  header.keyslots[1].af_stripes = 0;
  const json slots = report(header)["keyslots"];
  EXPECT_EQ(slots[0]["state"], "unbound");
  EXPECT_EQ(slots[0]["priority"], "ignore");
  EXPECT_TRUE(slots[0]["af"]["hash"].is_null());
  EXPECT_EQ(slots[1]["state"], "bound");
  EXPECT_EQ(slots[1]["priority"], "prefer");
  EXPECT_EQ(slots[1]["problem"], "key derivation 'scrypt' is not supported");
  EXPECT_TRUE(slots[1]["kdf"].is_null());
  EXPECT_TRUE(slots[1]["af"].is_null());
  EXPECT_TRUE(slots[1]["area"]["encryption"].is_null());
}

TEST(HeaderJsonTest, ARefusedHeaderIsValidButNotServable) {
  Header header{};
  header.version = 2;
  header.refusals = {{ErrorKind::policy, "a null cipher is no encryption"},
                     {ErrorKind::unsupported, "integrity is not supported"}};
  const json said = report(header);
  EXPECT_EQ(said["valid"], true);
  EXPECT_EQ(said["servable"], false);
  EXPECT_EQ(said["refusals"], json::parse(R"([
    {"kind": "policy", "message": "a null cipher is no encryption"},
    {"kind": "unsupported", "message": "integrity is not supported"}])"));
  EXPECT_TRUE(said["digest"].is_null());
  EXPECT_TRUE(said["segment"]["encryption"].is_null());
  EXPECT_TRUE(said["segment"]["key_size"].is_null());
}

}  // namespace
}  // namespace luksdetached
