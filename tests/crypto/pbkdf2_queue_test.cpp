#include "crypto/pbkdf2_queue.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "../base/testing.h"

namespace luksdetached {
namespace {

using testing::Bytes;
using testing::to_bytes;
using testing::to_hex;

constexpr unsigned thread_counts[] = {1, 2, 3, 8};
constexpr std::uint32_t for_days = UINT32_MAX;

// Inputs, and what they refer to.
class Inputs {
 public:
  void add(Hash hash, std::uint32_t iterations, std::size_t key_bytes) {
    inputs_.push_back({hash, secret_, salt_, iterations, key_bytes});
  }
  const std::vector<Pbkdf2Input>& all() const { return inputs_; }

 private:
  Bytes secret_ = to_bytes("secret");
  Bytes salt_ = to_bytes("salt");
  std::vector<Pbkdf2Input> inputs_;
};

std::string derived(const Pbkdf2Input& input) {
  Bytes key(input.key_bytes);
  pbkdf2(input.hash, input.secret, input.salt, input.iterations, key);
  return to_hex(key);
}

TEST(Pbkdf2QueueTest, GivesTheKeysInTheirOrder) {
  Inputs inputs;
  // The later ones are done first; some have many blocks, some take several turns.
  for (const std::uint32_t iterations : {50'001U, 25'000U, 10'000U, 9'999U, 3U, 2U, 1U}) {
    inputs.add(Hash::sha256, iterations, 64);
    inputs.add(Hash::sha512, iterations, 64);
    inputs.add(Hash::sha1, iterations, 64);
  }
  inputs.add(Hash::sha3_256, 3, 100);
  for (const unsigned threads : thread_counts) {
    Pbkdf2Queue queue(inputs.all(), threads);
    for (const Pbkdf2Input& input : inputs.all()) {
      ASSERT_EQ(to_hex(queue.next().span()), derived(input)) << threads;
    }
  }
}

TEST(Pbkdf2QueueTest, WhatIsLaterKeepsNobodyWaiting) {
  Inputs inputs;
  inputs.add(Hash::sha256, 20'000, 64);
  for (int n = 0; n < 40; ++n) inputs.add(Hash::sha256, for_days, 64);
  for (const unsigned threads : thread_counts) {
    Pbkdf2Queue queue(inputs.all(), threads);
    EXPECT_EQ(to_hex(queue.next().span()), derived(inputs.all().front())) << threads;
  }
}

TEST(Pbkdf2QueueTest, MayGoBeforeAnythingIsTaken) {
  Inputs inputs;
  for (int n = 0; n < 3; ++n) inputs.add(Hash::sha512, for_days, 64);
  for (const unsigned threads : thread_counts) const Pbkdf2Queue queue(inputs.all(), threads);
}

TEST(Pbkdf2QueueTest, SecondThreadWorksAhead) {
  Inputs inputs;
  inputs.add(Hash::sha256, 1, 32);
  inputs.add(Hash::sha256, 1'000'000, 32);
  Pbkdf2Queue queue(inputs.all(), 2);
  (void)queue.next();
  // Nobody waits for the second key until it is there.
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const auto begin = std::chrono::steady_clock::now();
  (void)queue.next();
  const auto waited = std::chrono::steady_clock::now() - begin;
  Pbkdf2Queue alone({inputs.all()[1]}, 1);
  const auto begin_alone = std::chrono::steady_clock::now();
  (void)alone.next();
  EXPECT_LT(waited, std::chrono::steady_clock::now() - begin_alone);
}

#if defined(LUKSDETACHED_MLOCK_WORKS)

// What a child of the test sees, which may lock so little memory.
template <typename Call>
std::string with_locked_memory(rlim_t bytes, Call call) {
  return testing::in_child([&]() -> std::string {
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "setrlimit failed";
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return "setresuid failed";
    return call();
  });
}

std::string outcome(Pbkdf2Queue& queue) {
  try {
    return to_hex(queue.next().span()) + "\n";
  } catch (const Error& error) {
    return std::string(error.what()).substr(0, 18) + "\n";
  }
}

TEST(Pbkdf2QueueTest, WithoutLockedMemoryForWorkAheadItDoesOneAfterTheOther) {
  Inputs inputs;
  std::string expected;
  for (int n = 0; n < 6; ++n) {
    inputs.add(Hash::sha256, 20'000, 64);
    expected += derived(inputs.all().back()) + "\n";
  }
  // Two pages: one for a derivation, one for its key.
  const std::string outcomes = with_locked_memory(2 * 4096, [&] {
    Pbkdf2Queue queue(inputs.all(), 4);
    std::string text;
    for (std::size_t n = 0; n < inputs.all().size(); ++n) text += outcome(queue);
    return text;
  });
  EXPECT_EQ(outcomes, expected);
}

TEST(Pbkdf2QueueTest, WithoutLockedMemoryEachInputHasItsError) {
  Inputs inputs;
  inputs.add(Hash::sha256, 1, 32);
  inputs.add(Hash::sha256, 1, 32);
  const std::string outcomes = with_locked_memory(0, [&] {
    Pbkdf2Queue queue(inputs.all(), 2);
    return outcome(queue) + outcome(queue);
  });
  EXPECT_EQ(outcomes, "cannot lock memory\ncannot lock memory\n");
}

#endif

}  // namespace
}  // namespace luksdetached
