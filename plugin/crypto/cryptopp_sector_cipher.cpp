// Sector ciphers made of Crypto++'s parts: the portable path, and the reference for our kernels.
#include <crypto++/aes.h>
#include <crypto++/modes.h>
#include <crypto++/xts.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "crypto/hash.h"
#include "crypto/hash_types.h"
#include "crypto/sector_cipher_kernels.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

using Iv = std::array<std::byte, 16>;

class IvGenerator {
 public:
  IvGenerator(const CipherSpec& spec, std::span<const std::byte> key) : kind_(iv_kind(spec)) {
    if (kind_ != IvKind::essiv) return;
    const Hash hash = *find_hash(spec.iv_option);
    SecureBuffer salt(digest_size(hash));
    const std::span<const std::byte> parts[] = {key};
    hash_bytes(hash, parts, salt.span());
    essiv_.emplace(as_bytes(salt.data()), salt.size());
  }

  Iv make(std::uint64_t units_of_512) const {
    if (kind_ == IvKind::plain) units_of_512 = static_cast<std::uint32_t>(units_of_512);
    Iv iv{};
    for (unsigned n = 0; n < 8; ++n) {
      const auto byte = static_cast<std::byte>(units_of_512 >> (8 * n));
      iv[kind_ == IvKind::plain64be ? 15 - n : n] = byte;
    }
    if (essiv_) essiv_->ProcessBlock(as_bytes(iv.data()));
    return iv;
  }

 private:
  IvKind kind_;
  std::optional<CryptoPP::AES::Encryption> essiv_;
};

// What one thread needs while it transforms: Crypto++'s mode objects carry the running IV, and its
// AES has scratch memory even in const functions, so neither can be shared.
template <typename Mode>
struct Workspace {
  typename Mode::Encryption encryption;
  typename Mode::Decryption decryption;
  IvGenerator ivs;

  Workspace(const CipherSpec& spec, std::span<const std::byte> key) : ivs(spec, key) {
    const Iv zero{};
    encryption.SetKeyWithIV(as_bytes(key.data()), key.size(), as_bytes(zero.data()), zero.size());
    decryption.SetKeyWithIV(as_bytes(key.data()), key.size(), as_bytes(zero.data()), zero.size());
  }
};

template <typename Mode>
class CryptoppSectorCipher final : public SectorCipher {
 public:
  CryptoppSectorCipher(CipherSpec spec, std::span<const std::byte> key, std::size_t sector_size)
      : spec_(std::move(spec)), sector_size_(sector_size), key_(key.size()) {
    std::copy(key.begin(), key.end(), key_.data());
  }

  void encrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    transform(from, to, first_sector,
              [](auto& workspace) -> auto& { return workspace.encryption; });
  }
  void decrypt(std::span<const std::byte> from, std::span<std::byte> to,
               std::uint64_t first_sector) const override {
    transform(from, to, first_sector,
              [](auto& workspace) -> auto& { return workspace.decryption; });
  }
  std::string_view kernel() const noexcept override { return "cryptopp"; }
  void lock_again() override { key_.lock_again(); }

 private:
  using WorkspacePtr = std::unique_ptr<Workspace<Mode>>;

  template <typename Direction>
  void transform(std::span<const std::byte> from, std::span<std::byte> to,
                 std::uint64_t first_sector, Direction&& direction) const {
    WorkspacePtr workspace = borrow();
    auto& mode = direction(*workspace);
    const std::uint64_t units = sector_size_ / 512;
    for (std::size_t at = 0; at < from.size(); at += sector_size_) {
      const Iv iv = workspace->ivs.make((first_sector + at / sector_size_) * units);
      mode.Resynchronize(as_bytes(iv.data()), static_cast<int>(iv.size()));
      mode.ProcessData(as_bytes(to.data() + at), as_bytes(from.data() + at), sector_size_);
    }
    give_back(std::move(workspace));
  }

  WorkspacePtr borrow() const {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        WorkspacePtr workspace = std::move(idle_.back());
        idle_.pop_back();
        return workspace;
      }
    }
    return std::make_unique<Workspace<Mode>>(spec_, key_.span());
  }

  void give_back(WorkspacePtr workspace) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

  CipherSpec spec_;
  std::size_t sector_size_;
  SecureBuffer key_;
  mutable std::mutex mutex_;
  mutable std::vector<WorkspacePtr> idle_;
};

}  // namespace

std::unique_ptr<SectorCipher> make_cryptopp_sector_cipher(const CipherSpec& spec,
                                                          std::span<const std::byte> key,
                                                          std::size_t sector_size) {
  if (spec.mode == "xts") {
    return std::make_unique<CryptoppSectorCipher<CryptoPP::XTS_Mode<CryptoPP::AES>>>(spec, key,
                                                                                     sector_size);
  }
  return std::make_unique<CryptoppSectorCipher<CryptoPP::CBC_Mode<CryptoPP::AES>>>(spec, key,
                                                                                   sector_size);
}

}  // namespace luksdetached
