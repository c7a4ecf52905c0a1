// Key derivation: ours, and what the libraries take for the same key.
#include <argon2.h>
#include <benchmark/benchmark.h>
#include <crypto++/pwdbased.h>
#include <crypto++/sha.h>
#include <gcrypt.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "crypto/pbkdf2.h"
#include "registration.h"

namespace luksdetached::bench {

namespace {

constexpr std::string_view secret = "thirty-two bytes of a passphrase";
constexpr std::string_view salt = "thirty-two bytes that are a salt";

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* octets(std::span<std::byte> key) {
  return reinterpret_cast<unsigned char*>(key.data());
}

// Fills the key; false when it cannot.
using Derive = std::function<bool(std::span<std::byte> key)>;

struct Contender {
  const char* name;
  Derive derive;
};

// The first of the contenders is ours, whose key the others must have, too. `count` is what one
// derivation counts for.
void register_contenders(const std::string& measure, std::size_t key_bytes, double count,
                         const std::vector<Contender>& contenders) {
  const auto expected = std::make_shared<std::vector<std::byte>>();
  for (const Contender& contender : contenders) {
    benchmark::RegisterBenchmark(
        ("kdfs/" + measure + "/" + contender.name).c_str(),
        [=, ours = contenders.front().derive, derive = contender.derive](benchmark::State& state) {
          std::vector<std::byte> key(key_bytes);
          bool works = true;
          for ([[maybe_unused]] auto _ : state) works = derive(key) && works;
          if (expected->empty()) {
            expected->resize(key_bytes);
            works = ours(*expected) && works;
          }
          if (!works || key != *expected)
            state.SkipWithError("derives another key than luksdetached");
          state.SetItemsProcessed(static_cast<std::int64_t>(count) * state.iterations());
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

struct PbkdfHash {
  Hash ours;
  const char* name;
  const EVP_MD* (*openssl)();
  int gcrypt;
  void (*cryptopp)(unsigned iterations, std::span<std::byte> key);
};

template <typename HashType>
void cryptopp(unsigned iterations, std::span<std::byte> key) {
  CryptoPP::PKCS5_PBKDF2_HMAC<HashType>().DeriveKey(octets(key), key.size(), 0, octets(secret),
                                                    secret.size(), octets(salt), salt.size(),
                                                    iterations);
}

const PbkdfHash hashes[] = {
    {Hash::sha1, "SHA1", EVP_sha1, GCRY_MD_SHA1, cryptopp<CryptoPP::SHA1>},
    {Hash::sha256, "SHA256", EVP_sha256, GCRY_MD_SHA256, cryptopp<CryptoPP::SHA256>},
    {Hash::sha512, "SHA512", EVP_sha512, GCRY_MD_SHA512, cryptopp<CryptoPP::SHA512>},
};

void register_pbkdf2(const PbkdfHash& hash, std::size_t key_bytes) {
  constexpr unsigned iterations = 100'000;
  const std::string measure =
      std::string("PBKDF2-HMAC-") + hash.name + ", key of " + std::to_string(key_bytes) + " B";
  register_contenders(
      measure, key_bytes, iterations,
      {{"luksdetached",
        [=](std::span<std::byte> key) {
          pbkdf2(hash.ours, bytes(secret), bytes(salt), iterations, key);
          return true;
        }},
       {"OpenSSL",
        [=](std::span<std::byte> key) {
          return PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), octets(salt),
                                   static_cast<int>(salt.size()), iterations, hash.openssl(),
                                   static_cast<int>(key.size()), octets(key)) == 1;
        }},
       {"libgcrypt",
        [=](std::span<std::byte> key) {
          return gcry_kdf_derive(secret.data(), secret.size(), GCRY_KDF_PBKDF2, hash.gcrypt,
                                 salt.data(), salt.size(), iterations, key.size(), key.data()) == 0;
        }},
       {"Crypto++", [=](std::span<std::byte> key) {
          hash.cryptopp(iterations, key);
          return true;
        }}});
}

// As cryptsetup does: a lane for each processor, four at most.
const unsigned lanes = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
constexpr unsigned passes = 4;

bool libargon2(std::uint32_t memory_kib, std::span<std::byte> key) {
  return argon2id_hash_raw(passes, memory_kib, lanes, secret.data(), secret.size(), salt.data(),
                           salt.size(), key.data(), key.size()) == ARGON2_OK;
}

// One lane after the other, as it has no threads of its own.
bool gcrypt_argon2(std::uint32_t memory_kib, std::span<std::byte> key) {
  const unsigned long parameters[] = {key.size(), passes, memory_kib, lanes};
  gcry_kdf_hd_t handle = nullptr;
  if (gcry_kdf_open(&handle, GCRY_KDF_ARGON2, GCRY_KDF_ARGON2ID, parameters, 4, secret.data(),
                    secret.size(), salt.data(), salt.size(), nullptr, 0, nullptr, 0) != 0) {
    return false;
  }
  const bool works =
      gcry_kdf_compute(handle, nullptr) == 0 && gcry_kdf_final(handle, key.size(), key.data()) == 0;
  gcry_kdf_close(handle);
  return works;
}

void register_argon2id(const std::string& memory, std::uint32_t memory_kib, bool with_gcrypt) {
  std::vector<Contender> contenders{
      {"luksdetached",
       [=](std::span<std::byte> key) {
         argon2(Argon2Variant::id, bytes(secret), bytes(salt), {passes, memory_kib, lanes}, key);
         return true;
       }},
      {"libargon2", [=](std::span<std::byte> key) { return libargon2(memory_kib, key); }},
  };
  if (with_gcrypt) {
    contenders.push_back(
        {"libgcrypt", [=](std::span<std::byte> key) { return gcrypt_argon2(memory_kib, key); }});
  }
  register_contenders("Argon2id, " + memory, 32, 1, contenders);
}

}  // namespace

void register_key_derivations() {
  for (const PbkdfHash& hash : hashes) register_pbkdf2(hash, digest_size(hash.ours));
  register_pbkdf2(hashes[1], 64);  // the key of aes-xts-plain64 with 512 bits: two blocks
  register_argon2id("64 MiB", 64 << 10, true);
  register_argon2id("1 GiB", 1 << 20, false);  // libgcrypt takes ten seconds
}

}  // namespace luksdetached::bench
