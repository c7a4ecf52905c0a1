#include "luks/kdf_budget.h"

#include <gtest/gtest.h>

#include "../base/testing.h"

namespace luksdetached::luks {
namespace {

using luksdetached::testing::expect_error;

constexpr std::uint32_t gibibyte = 1U << 20;  // in KiB

TEST(KdfBudgetTest, OneDerivationMayCostItsLimitAndNoMore) {
  KdfBudget budget({.memory_max = 1 << 20, .iterations_max = 1000});
  budget.spend(Pbkdf2Cost{Hash::sha256, 1000}, 32);
  budget.spend(Argon2Cost{1, 1024, 1});
  expect_error(ErrorKind::key_derivation, "asks for 1001, the limit is 1000 (kdf-iterations-max=)",
               [&] {
                 budget.spend(Pbkdf2Cost{Hash::sha256, 1001}, 32);
               });
  expect_error(ErrorKind::key_derivation, "1025, the limit is 1024 (kdf-memory-max=)", [&] {
    budget.spend(Argon2Cost{1, 1025, 1});
  });
}

TEST(KdfBudgetTest, FourDerivationsAtTheLimitUseItUp) {
  KdfBudget budget({.iterations_max = 1000});
  for (int n = 0; n < 4; ++n) budget.spend(Pbkdf2Cost{Hash::sha256, 1000}, 32);
  expect_error(ErrorKind::key_derivation, "asks for 1, and 0 are left", [&] {
    budget.spend(Pbkdf2Cost{Hash::sha256, 1}, 32);
  });
}

TEST(KdfBudgetTest, ALongKeyCostsItsIterationsForEachBlock) {
  KdfBudget budget({.iterations_max = 1000});
  budget.spend(Pbkdf2Cost{Hash::sha1, 1000}, 64);  // four blocks of 20 bytes
  expect_error(ErrorKind::key_derivation, "and 0 are left", [&] {
    budget.spend(Pbkdf2Cost{Hash::sha1, 1}, 20);
  });
}

TEST(KdfBudgetTest, Argon2CostsMemoryTimesPasses) {
  KdfBudget budget;
  expect_error(ErrorKind::key_derivation, "passes over its memory: the header asks for 65", [&] {
    budget.spend(Argon2Cost{65, gibibyte, 1});
  });
  for (int n = 0; n < 4; ++n) budget.spend(Argon2Cost{64, gibibyte, 1});
  expect_error(ErrorKind::key_derivation, "and 0 are left", [&] {
    budget.spend(Argon2Cost{1, 8, 1});
  });
}

// Little memory in several lanes is nothing but threads that start and end.
TEST(KdfBudgetTest, Argon2CostsItsThreadsToo) {
  KdfBudget budget;
  budget.spend(Argon2Cost{131072, 16, 2});
  expect_error(ErrorKind::key_derivation, "passes over its memory: the header asks for 131073",
               [&] {
                 budget.spend(Argon2Cost{131073, 16, 2});
               });
  expect_error(ErrorKind::key_derivation, "the limit is 4096", [&] {
    budget.spend(Argon2Cost{4097, 512, 64});
  });
  budget.spend(Argon2Cost{64, gibibyte, 4});  // where memory costs more
  budget.spend(Argon2Cost{1 << 23, 8, 1});    // and one lane is no thread
}

TEST(KdfBudgetTest, WhatWasRefusedCostsNothing) {
  KdfBudget budget({.iterations_max = 1000});
  EXPECT_THROW(budget.spend(Pbkdf2Cost{Hash::sha256, 1001}, 32), Error);
  for (int n = 0; n < 4; ++n) budget.spend(Pbkdf2Cost{Hash::sha256, 999}, 32);
  EXPECT_THROW(budget.spend(Pbkdf2Cost{Hash::sha256, 5}, 32), Error);
  budget.spend(Pbkdf2Cost{Hash::sha256, 4}, 32);
}

}  // namespace
}  // namespace luksdetached::luks
