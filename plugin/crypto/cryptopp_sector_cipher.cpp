// XTS and CBC with the block ciphers of Crypto++: the portable path, and the reference for our
// kernels.
//
// Crypto++'s ciphers keep scratch memory in const functions (AES, CAST) and their round keys on the
// heap (AES, Camellia). So what stays is only the key, in locked memory, and each run of sectors
// sets up ciphers of its own, which wipe themselves; what their functions left on the stack is
// wiped after them.
#include <crypto++/camellia.h>
#include <crypto++/cast.h>
#include <crypto++/misc.h>
#include <crypto++/serpent.h>
#include <crypto++/twofish.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <type_traits>

#include "crypto/cryptopp_aes.h"
#include "crypto/hash_types.h"
#include "crypto/little_endian.h"
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

constexpr std::size_t batch = 512;  // bytes that a cipher gets at once, to work on many blocks

template <typename Cipher>
using Block = std::array<std::byte, Cipher::BLOCKSIZE>;

template <typename Direction>
void set_key(Direction& cipher, std::span<const std::byte> key) {
  cipher.SetKey(as_bytes(key.data()), key.size());
}

// `to` becomes the transformed `from`, each block of it added to that of `added`.
template <typename Direction>
void transform(const Direction& cipher, const std::byte* from, const std::byte* added,
               std::byte* to, std::size_t bytes) {
  cipher.AdvancedProcessBlocks(as_bytes(from), as_bytes(added), as_bytes(to), bytes,
                               CryptoPP::BlockTransformation::BT_AllowParallel);
}

// ---- modes: one object transforms the sectors of one run, in one direction ----

// IEEE 1619, section 5. The first half of the key is for the data, the second for the tweak.
template <typename Cipher, typename Direction>
class Xts {
 public:
  explicit Xts(std::span<const std::byte> key) {
    set_key(data_, key.first(key.size() / 2));
    set_key(tweak_, key.last(key.size() / 2));
  }

  void sector(Block<Cipher> tweak, std::span<const std::byte> from, std::span<std::byte> to) const {
    tweak_.ProcessBlock(as_bytes(tweak.data()));
    auto low = load_little_endian<std::uint64_t>(tweak.data());
    auto high = load_little_endian<std::uint64_t>(tweak.data() + 8);
    std::array<std::byte, batch> tweaks;
    for (std::size_t at = 0; at < from.size(); at += batch) {
      for (std::size_t n = 0; n < batch; n += block) {
        store_little_endian(tweaks.data() + n, low);
        store_little_endian(tweaks.data() + n + 8, high);
        // Times x in GF(2^128), least significant bit first (section 5.2).
        const std::uint64_t carry = high >> 63;
        high = (high << 1) | (low >> 63);
        low = (low << 1) ^ (0x87 * carry);
      }
      std::byte* const here = to.data() + at;
      CryptoPP::xorbuf(as_bytes(here), as_bytes(from.data() + at), as_bytes(tweaks.data()), batch);
      transform(data_, here, tweaks.data(), here, batch);
    }
  }

 private:
  static constexpr std::size_t block = Cipher::BLOCKSIZE;
  static_assert(block == 16);

  Direction data_;
  typename Cipher::Encryption tweak_;
};

// NIST SP 800-38A, section 6.2.
template <typename Cipher, typename Direction>
class Cbc {
 public:
  explicit Cbc(std::span<const std::byte> key) { set_key(data_, key); }

  void sector(const Block<Cipher>& iv, std::span<const std::byte> from,
              std::span<std::byte> to) const {
    if constexpr (std::is_same_v<Direction, typename Cipher::Encryption>) {
      encrypt(iv, from, to);
    } else {
      decrypt(iv, from, to);
    }
  }

 private:
  static constexpr std::size_t block = Cipher::BLOCKSIZE;

  void encrypt(const Block<Cipher>& iv, std::span<const std::byte> from,
               std::span<std::byte> to) const {
    const std::byte* previous = iv.data();
    for (std::size_t at = 0; at < from.size(); at += block) {
      std::byte* const here = to.data() + at;
      for (std::size_t n = 0; n < block; ++n) here[n] = from[at + n] ^ previous[n];
      data_.ProcessBlock(as_bytes(here));
      previous = here;
    }
  }

  // The ciphertext goes through `chain`, behind the block before it, because `to` may be `from`.
  void decrypt(const Block<Cipher>& iv, std::span<const std::byte> from,
               std::span<std::byte> to) const {
    std::array<std::byte, block + batch> chain;
    std::copy(iv.begin(), iv.end(), chain.begin());
    for (std::size_t at = 0; at < from.size(); at += batch) {
      std::copy_n(from.data() + at, batch, chain.data() + block);
      transform(data_, chain.data() + block, chain.data(), to.data() + at, batch);
      std::copy_n(chain.data() + batch, block, chain.data());
    }
  }

  Direction data_;
};

// ---- the sector cipher ----

// `salt` is what the IV of essiv is encrypted with, empty for the other kinds.
template <typename Cipher>
class IvGenerator {
 public:
  IvGenerator(IvKind kind, std::span<const std::byte> salt) : kind_(kind) {
    if (kind == IvKind::essiv) set_key(essiv_.emplace(), salt);
  }

  Block<Cipher> make(std::uint64_t units_of_512) const {
    Block<Cipher> iv;
    write_iv(kind_, units_of_512, iv);
    if (essiv_) essiv_->ProcessBlock(as_bytes(iv.data()));
    return iv;
  }

 private:
  IvKind kind_;
  std::optional<typename Cipher::Encryption> essiv_;
};

template <typename Cipher>
bool is_constant_time() {
  if constexpr (std::is_same_v<Cipher, CryptoPP::AES>) return cryptopp_aes_is_constant_time();
  return std::is_same_v<Cipher, CryptoPP::Serpent>;  // its S-boxes are made of logic, bit by bit
}

template <typename Cipher, template <typename, typename> typename Mode>
class CryptoppSectorCipher final : public SectorCipher {
 public:
  CryptoppSectorCipher(const CipherSpec& spec, std::span<const std::byte> key,
                       std::size_t sector_size)
      : iv_(*find_iv_kind(spec.iv)),
        sector_size_(sector_size),
        key_(key.size()),
        salt_(essiv_salt(spec, key)) {
    std::copy(key.begin(), key.end(), key_.data());
  }

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    run<typename Cipher::Encryption>(from, to, first_sector);
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    run<typename Cipher::Decryption>(from, to, first_sector);
  }
  std::string_view kernel() const noexcept override { return "cryptopp"; }
  bool constant_time() const override { return is_constant_time<Cipher>(); }
  void lock_again() override {
    key_.lock_again();
    salt_.lock_again();
  }

 private:
  template <typename Direction>
  void run(std::span<const std::byte> from, std::span<std::byte> to,
           std::uint64_t first_sector) const {
    const StackWiper<16> stack_wiper;  // Crypto++ leaves half an AES key there
    const Mode<Cipher, Direction> mode(key_.span());
    const IvGenerator<Cipher> ivs(iv_, salt_.span());
    const std::uint64_t units = sector_size_ / 512;
    for (std::size_t at = 0; at < from.size(); at += sector_size_) {
      mode.sector(ivs.make((first_sector + at / sector_size_) * units),
                  from.subspan(at, sector_size_), to.subspan(at, sector_size_));
    }
  }

  IvKind iv_;
  std::size_t sector_size_;
  SecureBuffer key_, salt_;
};

// ---- the list ----

template <typename Cipher>
std::unique_ptr<SectorCipher> make(const CipherSpec& spec, std::span<const std::byte> key,
                                   std::size_t sector_size) {
  if constexpr (Cipher::BLOCKSIZE == 16) {
    if (spec.mode == "xts") {
      return std::make_unique<CryptoppSectorCipher<Cipher, Xts>>(spec, key, sector_size);
    }
  }
  return std::make_unique<CryptoppSectorCipher<Cipher, Cbc>>(spec, key, sector_size);
}

template <typename Cipher>
constexpr BlockCipher row(std::string_view name) {
  return {name, Cipher::BLOCKSIZE,
          [](std::size_t bytes) { return Cipher::StaticGetValidKeyLength(bytes) == bytes; },
          make<Cipher>};
}

constexpr BlockCipher block_ciphers[] = {
    row<CryptoPP::AES>("aes"),         row<CryptoPP::Serpent>("serpent"),
    row<CryptoPP::Twofish>("twofish"), row<CryptoPP::Camellia>("camellia"),
    row<CryptoPP::CAST128>("cast5"),   row<CryptoPP::CAST256>("cast6"),
};

}  // namespace

std::span<const BlockCipher> cryptopp_block_ciphers() noexcept {
  return block_ciphers;
}

}  // namespace luksdetached
