#include "crypto/argon2.h"

#include <argon2.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <random>
#include <string>

#include "../base/testing.h"
#include "known_answers.h"

namespace luksdetached {
namespace {

using namespace std::string_literals;
using testing::Bytes;
using testing::to_bytes;

struct KnownAnswer {
  Argon2Variant variant;
  std::uint32_t time, memory_kib, lanes;
  std::string secret, salt;
  std::string answer;
};

void check(std::span<const KnownAnswer> table) {
  testing::check_known_answers(
      table,
      [](const KnownAnswer& row, std::span<std::byte> key) {
        argon2(row.variant, to_bytes(row.secret), to_bytes(row.salt),
               {row.time, row.memory_kib, row.lanes}, key);
      },
      [](const KnownAnswer& row) {
        return (row.variant == Argon2Variant::i ? "i t=" : "id t=") + std::to_string(row.time) +
               " m=" + std::to_string(row.memory_kib) + " p=" + std::to_string(row.lanes) + " " +
               row.secret;
      });
}

// The reference implementation (phc-winner-argon2), src/test.c, for version 0x13. Those of RFC 9106
// have a secret and associated data, which LUKS has not.
TEST(Argon2Test, ReferenceKnownAnswersForArgon2i) {
  const KnownAnswer table[] = {
      {Argon2Variant::i, 2, 256, 1, "password", "somesalt",
       "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"},
      {Argon2Variant::i, 2, 256, 2, "password", "somesalt",
       "4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61"},
      {Argon2Variant::i, 1, 65536, 1, "password", "somesalt",
       "d168075c4d985e13ebeae560cf8b94c3b5d8a16c51916b6f4ac2da3ac11bbecf"},
  };
  check(table);
}

TEST(Argon2Test, ReferenceKnownAnswersForArgon2id) {
  const KnownAnswer table[] = {
      {Argon2Variant::id, 2, 256, 1, "password", "somesalt",
       "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
      {Argon2Variant::id, 2, 256, 2, "password", "somesalt",
       "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
      {Argon2Variant::id, 1, 65536, 1, "password", "somesalt",
       "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
  };
  check(table);
}

// Answers of an independent implementation (libgcrypt 1.10): longer keys, four lanes, bytes that
// are no text, a salt of 32 bytes as cryptsetup writes it.
TEST(Argon2Test, KnownAnswersOfLibgcrypt) {
  const KnownAnswer table[] = {
      {Argon2Variant::id, 2, 256, 1, "password", "somesalt",
       "e38b944e9f2ff73c3831c2da01b901c8302eeee3faca76018b2615cd39935f07"
       "342468fc5d41d51317cfcc81ccb5e7bd657813a7f33585a1f277d0e613f28c72"},
      {Argon2Variant::i, 4, 256, 4, "password", "somesalt",
       "fc6d9e559184467ac8acbfbdd0ff497bcd56aba7071b756b61c07cd6384167e5"
       "3baf42407aecd066b30a26f5298b7f4722db7145ed1b7b5201fdba1bc831e995"},
      {Argon2Variant::id, 3, 256, 4, "password", "somesalt",
       "5a1fcc5decde0835f3ddc691214313aaa9cc8b4e95b3232139f30e35ee85e6a1"
       "ed9008b92cc529ca64e017fe3433a76579fa4e223533975ee3d831d1676c3683"},
      {Argon2Variant::id, 1, 64, 1, "a\0b\n"s, "0123456789abcdef0123456789abcdef",
       "d20bf384a7a5677fe60fa98235b401c171f9b0a62a8e63c05967296712f3bafc"},
      {Argon2Variant::id, 1, 64, 2, "password", "somesalt",
       "156c8c5ab1eb5d2f609332e930ccb55c50777e4b56a1888d9b3985bbc5bf5f50"
       "2dff2a12aef2352cc7eff9f9d000c6dc225987327698293906735e66210967ea"
       "55b49d71618a02986879b43feeb702b2c6cd9fced662235980348030d2de90fb"},
  };
  check(table);
}

// libargon2, the reference implementation, on whatever parameters: also those where a lane has not
// as many blocks as it was given, or hardly any.
TEST(Argon2Test, AgreesWithLibargon2) {
  std::mt19937 random(8);
  const auto between = [&](std::uint32_t least, std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(least, most)(random);
  };
  const auto bytes = [&](std::uint32_t size) {
    Bytes result(size);
    for (std::byte& b : result) b = static_cast<std::byte>(between(0, 255));
    return result;
  };
  for (int n = 0; n < 150; ++n) {
    const std::uint32_t lanes = between(1, 8);
    const Argon2Cost cost{between(1, 4), 8 * lanes + between(0, n % 4 == 0 ? 4000 : 50), lanes};
    const Bytes secret = bytes(between(0, 100));
    const Bytes salt = bytes(between(8, 64));
    Bytes key(between(4, 200));
    Bytes expected(key.size());
    for (const Argon2Variant variant : {Argon2Variant::i, Argon2Variant::id}) {
      SCOPED_TRACE("t=" + std::to_string(cost.time) + " m=" + std::to_string(cost.memory_kib) +
                   " p=" + std::to_string(cost.lanes) + " key " + std::to_string(key.size()));
      ASSERT_EQ(argon2_hash(cost.time, cost.memory_kib, cost.lanes, secret.data(), secret.size(),
                            salt.data(), salt.size(), expected.data(), expected.size(), nullptr, 0,
                            variant == Argon2Variant::i ? Argon2_i : Argon2_id, ARGON2_VERSION_13),
                ARGON2_OK);
      argon2(variant, secret, salt, cost, key);
      ASSERT_EQ(testing::to_hex(key), testing::to_hex(expected));
    }
  }
}

// The address space that this process uses, in bytes.
rlim_t address_space() {
  unsigned long pages = 0;
  if (FILE* statm = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(statm, "%lu", &pages) != 1) pages = 0;
    std::fclose(statm);
  }
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

TEST(Argon2Test, MemoryThatCannotBeHadIsAnErrorThatSaysHowMuch) {
  const std::string outcome = testing::in_child([]() -> std::string {
    const rlim_t most = address_space() + (rlim_t{64} << 20);
    const rlimit limit{most, most};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return "setrlimit failed";
    try {
      Bytes key(32);
      argon2(Argon2Variant::id, to_bytes("password"), to_bytes("somesalt"), {1, 1 << 20, 1}, key);
    } catch (const Error& error) {
      return (error.kind() == ErrorKind::key_derivation ? "key_derivation: " : "other kind: ") +
             std::string(error.what());
    }
    return "it had the memory";
  });
  EXPECT_EQ(outcome,
            "key_derivation: Argon2 needs 1024 MiB of memory, which this process cannot have");
}

TEST(Argon2Test, WhatArgon2HasNotIsAnError) {
  struct Row {
    const char* salt;
    Argon2Cost cost;
    std::size_t key_bytes;
    const char* why;
  };
  const Row table[] = {
      {"somesalt", {1, 7, 1}, 32, "less than 8 KiB for each lane"},
      {"somesalt", {1, 64, 9}, 32, "less than 8 KiB for each lane"},
      {"somesal", {1, 64, 1}, 32, "the salt is shorter than 8 bytes"},
      {"somesalt", {1, 64, 1}, 3, "the key is shorter than 4 bytes"},
      {"somesalt", {0, 64, 1}, 32, "there is no pass"},
      {"somesalt", {1, 64, 0}, 32, "too few or too many lanes"},
      {"somesalt", {1, UINT32_MAX, 1U << 24}, 32, "too few or too many lanes"},
  };
  for (const Row& row : table) {
    Bytes key(row.key_bytes);
    testing::expect_error(ErrorKind::key_derivation, "Argon2 failed: " + std::string(row.why), [&] {
      argon2(Argon2Variant::id, to_bytes("password"), to_bytes(row.salt), row.cost, key);
    });
  }
}

}  // namespace
}  // namespace luksdetached
