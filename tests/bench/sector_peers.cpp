#include <crypto++/aes.h>
#include <crypto++/modes.h>
#include <crypto++/sha.h>
#include <crypto++/xts.h>
#include <gcrypt.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "crypto/sector_iv.h"
#include "sector_work.h"

namespace luksdetached::bench {

namespace {

using Byte = unsigned char;  // of all three libraries
using Iv = std::array<Byte, 16>;
using Salt = std::array<Byte, 32>;  // ESSIV's key: the hash of the volume key

void require(bool works, const char* what) {
  if (!works) throw std::runtime_error(std::string(what) + " failed");
}

Byte* bytes(std::span<std::byte> data) {
  return reinterpret_cast<Byte*>(data.data());
}

const Byte* bytes(const std::vector<std::byte>& data) {
  return reinterpret_cast<const Byte*>(data.data());
}

bool is_xts(const SectorWork& work) {
  return work.spec.mode == "xts";
}

bool encrypts(const SectorWork& work) {
  return work.direction == Direction::encrypt;
}

// Calls `use(iv, sector)` for each sector, with dm-crypt's plain64 IV.
template <typename Use>
void each_sector(std::span<std::byte> run, std::size_t sector_size, Use&& use) {
  Iv iv{};
  for (std::size_t at = 0; at < run.size(); at += sector_size) {
    iv.fill(0);
    write_iv(IvKind::plain64, at / 512, std::as_writable_bytes(std::span(iv)));
    use(iv, bytes(run.subspan(at)));
  }
}

// ---- Crypto++ ----

Salt salt_of(const SectorWork& work) {
  Salt salt{};
  CryptoPP::SHA256().CalculateDigest(salt.data(), bytes(work.key), work.key.size());
  return salt;
}

template <typename Mode>
Transform cryptopp_mode(const SectorWork& work) {
  const auto mode = std::make_shared<Mode>();
  mode->SetKeyWithIV(bytes(work.key), work.key.size(), Iv{}.data(), sizeof(Iv));
  std::shared_ptr<CryptoPP::AES::Encryption> essiv;
  if (!is_xts(work)) essiv = std::make_shared<CryptoPP::AES::Encryption>(salt_of(work).data(), 32);
  return [mode, essiv, size = work.sector_size](std::span<std::byte> run) {
    each_sector(run, size, [&](Iv& iv, Byte* sector) {
      if (essiv) essiv->ProcessBlock(iv.data());
      mode->Resynchronize(iv.data(), sizeof(Iv));
      mode->ProcessData(sector, sector, size);
    });
  };
}

template <template <typename> typename Mode>
Transform cryptopp_direction(const SectorWork& work) {
  using Aes = Mode<CryptoPP::AES>;
  return encrypts(work) ? cryptopp_mode<typename Aes::Encryption>(work)
                        : cryptopp_mode<typename Aes::Decryption>(work);
}

Transform cryptopp(const SectorWork& work) {
  return is_xts(work) ? cryptopp_direction<CryptoPP::XTS_Mode>(work)
                      : cryptopp_direction<CryptoPP::CBC_Mode>(work);
}

// ---- OpenSSL ----

using OpensslContext = std::shared_ptr<EVP_CIPHER_CTX>;

OpensslContext openssl_context(const EVP_CIPHER* cipher, const Byte* key, bool encrypt) {
  OpensslContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  require(EVP_CipherInit_ex(context.get(), cipher, nullptr, key, nullptr, encrypt ? 1 : 0) == 1 &&
              EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1,
          "EVP_CipherInit_ex");
  return context;
}

Transform openssl(const SectorWork& work) {
  const EVP_CIPHER* cipher = EVP_aes_256_cbc();
  if (is_xts(work)) cipher = work.key.size() == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts();
  const OpensslContext context = openssl_context(cipher, bytes(work.key), encrypts(work));
  OpensslContext essiv;
  if (!is_xts(work)) essiv = openssl_context(EVP_aes_256_ecb(), salt_of(work).data(), true);
  return [context, essiv, size = work.sector_size](std::span<std::byte> run) {
    each_sector(run, size, [&](Iv& iv, Byte* sector) {
      int written = 0;
      if (essiv) EVP_EncryptUpdate(essiv.get(), iv.data(), &written, iv.data(), sizeof(Iv));
      EVP_CipherInit_ex(context.get(), nullptr, nullptr, nullptr, iv.data(), -1);
      EVP_CipherUpdate(context.get(), sector, &written, sector, static_cast<int>(size));
    });
  };
}

// ---- libgcrypt ----

using GcryptHandle = std::shared_ptr<gcry_cipher_handle>;

GcryptHandle gcrypt_handle(int algorithm, int mode, const Byte* key, std::size_t key_bytes) {
  gcry_cipher_hd_t handle = nullptr;
  require(gcry_cipher_open(&handle, algorithm, mode, 0) == 0 &&
              gcry_cipher_setkey(handle, key, key_bytes) == 0,
          "gcry_cipher_open");
  return {handle, gcry_cipher_close};
}

Transform gcrypt(const SectorWork& work) {
  const bool long_key = work.key.size() == (is_xts(work) ? 64 : 32);
  const GcryptHandle handle = gcrypt_handle(
      long_key ? GCRY_CIPHER_AES256 : GCRY_CIPHER_AES128,
      is_xts(work) ? GCRY_CIPHER_MODE_XTS : GCRY_CIPHER_MODE_CBC, bytes(work.key), work.key.size());
  GcryptHandle essiv;
  if (!is_xts(work)) {
    const Salt salt = salt_of(work);
    essiv = gcrypt_handle(GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_ECB, salt.data(), salt.size());
  }
  const auto transform = encrypts(work) ? gcry_cipher_encrypt : gcry_cipher_decrypt;
  return [handle, essiv, transform, size = work.sector_size](std::span<std::byte> run) {
    each_sector(run, size, [&](Iv& iv, Byte* sector) {
      if (essiv) gcry_cipher_encrypt(essiv.get(), iv.data(), sizeof(Iv), nullptr, 0);
      gcry_cipher_setiv(handle.get(), iv.data(), sizeof(Iv));
      transform(handle.get(), sector, size, nullptr, 0);
    });
  };
}

}  // namespace

std::vector<Contender> sector_peers() {
  return {{"Crypto++", cryptopp}, {"OpenSSL", openssl}, {"libgcrypt", gcrypt}};
}

}  // namespace luksdetached::bench
