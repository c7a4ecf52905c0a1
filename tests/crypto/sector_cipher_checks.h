// What every implementation of a sector cipher must do, whichever makes it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "../base/testing.h"
#include "crypto/sector_cipher_kernels.h"
#include "ieee1619_vectors.h"

namespace luksdetached::testing {

using MakeCipher = std::function<std::unique_ptr<SectorCipher>(
    std::string_view spec, std::span<const std::byte> key, std::size_t sector_size)>;

/// The portable implementation.
inline std::unique_ptr<SectorCipher> make_cryptopp(std::string_view spec,
                                                   std::span<const std::byte> key,
                                                   std::size_t sector_size) {
  const CipherSpec parsed = parse_cipher_spec(spec);
  for (const BlockCipher& cipher : cryptopp_block_ciphers()) {
    if (cipher.name == parsed.cipher) return cipher.make(parsed, key, sector_size);
  }
  throw std::runtime_error("no block cipher " + parsed.cipher);
}

inline Bytes encrypt(const SectorCipher& cipher, std::span<const std::byte> from,
                     std::uint64_t first_sector) {
  Bytes to(from.size());
  cipher.encrypt(from, to, first_sector);
  return to;
}

inline Bytes decrypt(const SectorCipher& cipher, std::span<const std::byte> from,
                     std::uint64_t first_sector) {
  Bytes to(from.size());
  cipher.decrypt(from, to, first_sector);
  return to;
}

/// A known answer that is shorter than a sector. In CBC and XTS the first blocks do not depend on
/// what follows them, so the rest of the sector may be anything.
struct ShortVector {
  std::string_view spec, key;
  std::uint64_t sector;
  std::string_view plaintext, ciphertext;
};

inline void check_short_vectors(const MakeCipher& make, std::span<const ShortVector> table) {
  for (const ShortVector& row : table) {
    const auto cipher = make(row.spec, from_hex(row.key), 512);
    const std::size_t size = row.plaintext.size() / 2;
    Bytes sector = from_hex(row.plaintext);
    sector.resize(512);
    Bytes result = encrypt(*cipher, sector, row.sector);
    EXPECT_EQ(to_hex(std::span(result).first(size)), row.ciphertext)
        << row.spec << " key " << row.key << " sector " << row.sector;
    sector = from_hex(row.ciphertext);
    sector.resize(512);
    result = decrypt(*cipher, sector, row.sector);
    EXPECT_EQ(to_hex(std::span(result).first(size)), row.plaintext)
        << row.spec << " key " << row.key << " sector " << row.sector;
  }
}

inline Bytes ieee1619_plaintext() {
  Bytes bytes(512);
  for (std::size_t n = 0; n < bytes.size(); ++n) bytes[n] = static_cast<std::byte>(n);
  return bytes;
}

/// IEEE 1619-2007, annex B, vectors 4 to 14.
inline void check_ieee1619_sectors(const MakeCipher& make) {
  const auto aes_128 = make("aes-xts-plain64", from_hex(ieee1619::aes_128_key), 512);
  Bytes data = ieee1619_plaintext();
  const ieee1619::Vector* next = std::begin(ieee1619::aes_128);
  for (std::uint64_t sector = 0; sector <= 0xff; ++sector) {
    const Bytes before = data;
    data = encrypt(*aes_128, data, sector);
    if (sector != next->sector) continue;
    EXPECT_EQ(to_hex(data), next->ciphertext) << "vector " << next->number;
    EXPECT_EQ(decrypt(*aes_128, data, sector), before) << "vector " << next->number;
    ++next;
  }
  EXPECT_EQ(next, std::end(ieee1619::aes_128)) << "not every vector was reached";

  const auto aes_256 = make("aes-xts-plain64", from_hex(ieee1619::aes_256_key), 512);
  for (const ieee1619::Vector& row : ieee1619::aes_256) {
    const Bytes data_256 = ieee1619_plaintext();
    EXPECT_EQ(to_hex(encrypt(*aes_256, data_256, row.sector)), row.ciphertext)
        << "vector " << row.number;
    EXPECT_EQ(decrypt(*aes_256, from_hex(row.ciphertext), row.sector), data_256)
        << "vector " << row.number;
  }
}

inline constexpr ShortVector xts_short_vectors[] = {
    // IEEE 1619-2007, annex B, vectors 1 to 3.
    {"aes-xts-plain64", "0000000000000000000000000000000000000000000000000000000000000000", 0,
     "0000000000000000000000000000000000000000000000000000000000000000",
     "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e"},
    {"aes-xts-plain64", "1111111111111111111111111111111122222222222222222222222222222222",
     0x3333333333, "4444444444444444444444444444444444444444444444444444444444444444",
     "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"},
    {"aes-xts-plain64", "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222",
     0x3333333333, "4444444444444444444444444444444444444444444444444444444444444444",
     "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89"},
    // NIST CAVS XTSGenAES128, "format tweak value input - data unit seq no", ENCRYPT, COUNT 1.
    {"aes-xts-plain64", "a3e40d5bd4b6bbedb2d18c700ad2db2210c81190646d673cbca53f133eab373c", 141,
     "20e0719405993f09a66ae5bb500e562c", "74623551210216ac926b9650b6d3fa52"},
    // The same, COUNT 500: two blocks.
    {"aes-xts-plain64", "16444b90c4266d8b0b464ad0963f5c605074c61d33e9becf6f31e277aeb02ee7", 139,
     "a788b66ebb4b38a43e709be5b58e5baf7c0f814c2a0e78c297f4ac0ff902a880",
     "4d675587337e89bbd356e63da54970820a28f076c4bd1e30277f584a30a82081"},
    // Sectors 0 and 7 of a volume that Linux 6.1's dm-crypt wrote (the project's known-answer
    // volume
    // l1-aes-xts-plain-512).
    {"aes-xts-plain",
     "a68efc21080a81eeb1d0bbb327d7c4e257451f525cd8c2e0e46ebf39ba0f270c"
     "c7850871802ee76af82458c3fa7de387ec6ccabb2a86b88801b50276a4638637",
     0, "c6cf2f780d6c0292566459f77489795ba2d9895818fbb6a0284a6b2b568fe092",
     "a06b9a3c9cce3835900b3b7ca280dc2daf463631adb474bb330df0e6236e2f21"},
    {"aes-xts-plain",
     "a68efc21080a81eeb1d0bbb327d7c4e257451f525cd8c2e0e46ebf39ba0f270c"
     "c7850871802ee76af82458c3fa7de387ec6ccabb2a86b88801b50276a4638637",
     7, "21b63e1f69215278aba765f0839ec8f8a2bbdf74bea83558e1ceff0443e3eaae",
     "e19cc302aedaad4025dbb887f05c8788cee7bace35af0248c70594b38b205139"},
};

inline constexpr ShortVector aes_cbc_short_vectors[] = {
    // NIST SP 800-38A, F.2.1, F.2.3 and F.2.5. The IV there is 00 01 … 0f, ours for sector 0 is 0:
    // the first block of the plaintext has the difference added.
    {"aes-cbc-plain64", "2b7e151628aed2a6abf7158809cf4f3c", 0,
     "6bc0bce12a459991e134741a7f9e1925ae2d8a571e03ac9c9eb76fac45af8e51"
     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {"aes-cbc-plain64", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", 0,
     "6bc0bce12a459991e134741a7f9e1925ae2d8a571e03ac9c9eb76fac45af8e51"
     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {"aes-cbc-plain64", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 0,
     "6bc0bce12a459991e134741a7f9e1925ae2d8a571e03ac9c9eb76fac45af8e51"
     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
    // Sectors that Linux 6.1's dm-crypt wrote (the project's known-answer volumes
    // l1-aes-cbc-essiv-sha256 and l1-aes-cbc-plain64).
    {"aes-cbc-essiv:sha256", "ecec813b4cf636c4a03591c6c9a1d6e2f9568c37f217cad0be4ed3b693817145", 0,
     "86e27e2befcd951d3c024a4224bb6df47acc29812c8758dc83775cc587dbdd0c",
     "777d3e5513725225cef9d6ea88a1a36471f342c1b93541a9195167fa51eaba3e"},
    {"aes-cbc-essiv:sha256", "ecec813b4cf636c4a03591c6c9a1d6e2f9568c37f217cad0be4ed3b693817145", 7,
     "123d52177af50dadecf3a60e8a3e4b937a9236921fd8a8c0adf13e0750e73dc1",
     "34cb26d94dc588357f9b8be55257a0a2cd1b38233543fb64e3a230018ed05e52"},
    {"aes-cbc-essiv:sha256", "ecec813b4cf636c4a03591c6c9a1d6e2f9568c37f217cad0be4ed3b693817145",
     131, "51e07cc47da0cfe9f667aa0b523ab397e04452022c031456ba9df95bc265a647",
     "6473fdabe175af70d76a215e74c0554d4cdcaa9e3fa51882c375af0a56f19f02"},
    {"aes-cbc-plain64", "7cbb646f46a90566f28eb82aac5ca6bcea97acaa72303ddf74fc8e1b4bd56160", 1,
     "458afe4d4ec21fe7f8babe45caf7709ecbc0659e2e1736fb8841435c1a41758d",
     "17c155c51646069d887f44059a9fcc2b6b8511684f152e63ec7695fb17bce346"},
    {"aes-cbc-plain64", "7cbb646f46a90566f28eb82aac5ca6bcea97acaa72303ddf74fc8e1b4bd56160", 7,
     "c46cd8357c88d91849fff783eee8178e6df45bd1c25a1f8af99dd065425de0a3",
     "4f134080358c8704f0f225e4685f61f04ea2011460d62fcd1eb293906100e667"},
    // Answers of OpenSSL 3 and of libgcrypt 1.10 (essiv): what no published vector has.
    {"aes-cbc-plain64be", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     0x0123456789, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "08d9a04ba8513a08309f3a1d235f19e2a28a2b762ed3e7983c2da725199837d3"},
    {"aes-cbc-essiv:sha3-256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     0x0123456789, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "8a0a9f803477c502ec4efd2ccdb3fbddf961f9eb854203475c58d253368d9939"},
    {"aes-cbc-essiv:blake2b-256",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0x0123456789,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "779d7c17f73d7f99a4493a42295228e649bf3f06d0e274f07c9e23944f687b5c"},
};

/// "plain" counts sectors in 32 bits, "plain64" does not.
inline void check_wrap_of_plain(const MakeCipher& make, std::size_t key_bytes,
                                const std::string& cipher_and_mode) {
  const Bytes key = pattern(key_bytes);
  const Bytes data = pattern(1024, 2);
  constexpr std::uint64_t wraps_at = std::uint64_t{1} << 32;
  const auto plain = make(cipher_and_mode + "-plain", key, 512);
  const auto plain64 = make(cipher_and_mode + "-plain64", key, 512);
  EXPECT_EQ(encrypt(*plain, data, 5), encrypt(*plain64, data, 5));
  EXPECT_EQ(encrypt(*plain, data, wraps_at + 5), encrypt(*plain, data, 5));
  EXPECT_NE(encrypt(*plain64, data, wraps_at + 5), encrypt(*plain64, data, 5));
  // Within one request, too.
  const Bytes across = encrypt(*plain, data, wraps_at - 1);
  const Bytes second = encrypt(*plain, std::span(data).last(512), 0);
  EXPECT_TRUE(std::equal(second.begin(), second.end(), across.begin() + 512));
}

/// The IV of a larger sector is the number of its first 512 bytes, as dm-crypt counts without
/// iv_large_sectors.
inline void check_iv_units(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  const Bytes key = pattern(key_bytes);
  const auto small = make(spec, key, 512);
  for (const std::size_t size : {1024U, 2048U, 4096U}) {
    const auto large = make(spec, key, size);
    const Bytes data = pattern(2 * size, 3);
    for (const std::uint64_t sector :
         {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 29}) {
      const Bytes whole = encrypt(*large, data, sector);
      for (std::size_t n = 0; n < 2; ++n) {
        const auto first = std::span(data).subspan(n * size, 512);
        const Bytes part = encrypt(*small, first, (sector + n) * (size / 512));
        EXPECT_EQ(to_hex(part), to_hex(std::span(whole).subspan(n * size, 512)))
            << spec << ", sectors of " << size << ", sector " << sector + n;
      }
      EXPECT_EQ(decrypt(*large, whole, sector), data) << spec << ", sectors of " << size;
    }
  }
}

/// A run of sectors is the same as its sectors one by one.
inline void check_runs(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  const auto cipher = make(spec, pattern(key_bytes), 512);
  const Bytes data = pattern(std::size_t{9} * 512, 4);
  const Bytes run = encrypt(*cipher, data, 1000);
  for (std::size_t n = 0; n < 9; ++n) {
    const Bytes one = encrypt(*cipher, std::span(data).subspan(n * 512, 512), 1000 + n);
    EXPECT_EQ(to_hex(one), to_hex(std::span(run).subspan(n * 512, 512))) << spec << " " << n;
  }
}

inline void check_in_place(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  for (const std::size_t size : {512U, 4096U}) {
    const auto cipher = make(spec, pattern(key_bytes), size);
    const Bytes data = pattern(3 * size, 5);
    Bytes place = data;
    cipher->encrypt(place, place, 9);
    EXPECT_EQ(place, encrypt(*cipher, data, 9)) << spec << " " << size;
    cipher->decrypt(place, place, 9);
    EXPECT_EQ(place, data) << spec << " " << size;
  }
}

inline void check_unaligned(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  const auto cipher = make(spec, pattern(key_bytes), 512);
  const Bytes data = pattern(1024, 6);
  const Bytes expected = encrypt(*cipher, data, 3);
  for (std::size_t shift = 0; shift < 16; ++shift) {
    Bytes from(1024 + 16);
    Bytes to(1024 + 32, std::byte{0xee});
    std::copy(data.begin(), data.end(), from.begin() + static_cast<std::ptrdiff_t>(shift));
    const std::size_t to_shift = 15 - shift;
    cipher->encrypt(std::span(from).subspan(shift, 1024), std::span(to).subspan(to_shift, 1024), 3);
    EXPECT_EQ(to_hex(std::span(to).subspan(to_shift, 1024)), to_hex(expected)) << spec << shift;
    EXPECT_EQ(to[to_shift + 1024], std::byte{0xee}) << "a byte behind the end was written";
    cipher->decrypt(std::span(to).subspan(to_shift, 1024), std::span(from).subspan(shift, 1024), 3);
    EXPECT_EQ(to_hex(std::span(from).subspan(shift, 1024)), to_hex(data)) << spec << shift;
  }
}

inline void check_nothing_is_done_with_no_sectors(const MakeCipher& make, std::string_view spec,
                                                  std::size_t key_bytes) {
  const auto cipher = make(spec, pattern(key_bytes), 512);
  EXPECT_NO_THROW(cipher->encrypt({}, {}, 1));
  EXPECT_NO_THROW(cipher->decrypt({}, {}, 1));
}

/// One cipher for many threads at once.
inline void check_threads(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  const auto cipher = make(spec, pattern(key_bytes), 512);
  constexpr unsigned threads = 6;
  std::vector<Bytes> plain(threads);
  std::vector<Bytes> expected(threads);
  for (unsigned n = 0; n < threads; ++n) {
    plain[n] = pattern(2048, n);
    expected[n] = encrypt(*cipher, plain[n], n);
  }
  std::vector<int> wrong(threads);
  std::vector<std::thread> workers;
  for (unsigned n = 0; n < threads; ++n) {
    workers.emplace_back([&, n] {
      for (int round = 0; round < 50; ++round) {
        if (encrypt(*cipher, plain[n], n) != expected[n]) ++wrong[n];
        if (decrypt(*cipher, expected[n], n) != plain[n]) ++wrong[n];
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(wrong, std::vector<int>(threads)) << spec;
}

/// The key may go as soon as the cipher is made.
inline void check_key_is_copied(const MakeCipher& make, std::string_view spec,
                                std::size_t key_bytes) {
  Bytes key = pattern(key_bytes);
  const auto cipher = make(spec, key, 512);
  const Bytes data = pattern(512, 7);
  const Bytes before = encrypt(*cipher, data, 1);
  std::fill(key.begin(), key.end(), std::byte{0});
  EXPECT_EQ(encrypt(*cipher, data, 1), before);
  EXPECT_EQ(decrypt(*make(spec, pattern(key_bytes), 512), before, 1), data);
}

/// A lock that is renewed changes nothing else.
inline void check_lock_again(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  const auto cipher = make(spec, pattern(key_bytes), 512);
  const Bytes data = pattern(512, 2);
  const Bytes before = encrypt(*cipher, data, 1);
  cipher->lock_again();
  EXPECT_EQ(encrypt(*cipher, data, 1), before);
}

/// Everything that does not depend on numbers, for a cipher and the length of its key.
inline void check_all_shapes(const MakeCipher& make, std::string_view spec, std::size_t key_bytes) {
  check_runs(make, spec, key_bytes);
  check_in_place(make, spec, key_bytes);
  check_unaligned(make, spec, key_bytes);
  check_nothing_is_done_with_no_sectors(make, spec, key_bytes);
  check_key_is_copied(make, spec, key_bytes);
}

}  // namespace luksdetached::testing
