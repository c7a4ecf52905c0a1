#include "weaknesses.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "crypto/cipher_spec.h"
#include "crypto/hash.h"
#include "header_words.h"

namespace luksdetached {

namespace {

using luks::Header;
using luks::Keyslot;
using luks::Pbkdf2Cost;

// The second choice of RFC 9106, section 4: for machines with little memory.
constexpr std::uint64_t least_argon2_kib = std::uint64_t{64} << 10;
constexpr std::uint64_t least_argon2_passes = 3;
constexpr std::uint64_t plain_iv_bytes = std::uint64_t{512} << 32;  // 32 bits count sectors

// OWASP's Password Storage Cheat Sheet of 2023: equal cost for who guesses with GPUs. It has
// numbers for SHA-1, SHA-256 and SHA-512; hashes of about the same size are about as fast.
std::uint32_t least_iterations(Hash hash) {
  if (digest_size(hash) <= 20) return 1'300'000;
  return digest_size(hash) <= 32 ? 600'000 : 210'000;
}

// XTS has one key for the data and one for the tweak.
std::size_t cipher_key_bytes(const CipherSpec& cipher, std::size_t key_bytes) {
  return cipher.mode == "xts" ? key_bytes / 2 : key_bytes;
}

// Collects weaknesses; what several key slots share is said once.
class Findings {
 public:
  void add(std::string id, std::string message) {
    list_.push_back({std::move(id), {}, std::move(message)});
  }

  void add(const Keyslot& slot, const std::string& id, const std::string& message) {
    const auto same = std::find_if(list_.begin(), list_.end(), [&](const Weakness& one) {
      return one.id == id && one.message == message;
    });
    if (same == list_.end()) {
      list_.push_back({id, {slot.id}, message});
    } else {
      same->keyslots.push_back(slot.id);
    }
  }

  std::vector<Weakness> take() && { return std::move(list_); }

 private:
  std::vector<Weakness> list_;
};

void look_at_cipher(const Header& header, Findings& findings) {
  const CipherSpec& cipher = header.segment.cipher;
  if (cipher.mode == "cbc") {
    findings.add("cbc",
                 "in CBC mode who can write to the payload can flip chosen bits of the data; in "
                 "XTS mode at most turn them into noise");
    if (cipher.iv.starts_with("plain")) {
      findings.add("predictable-iv",
                   "with CBC and an IV that can be predicted, prepared files can be recognised in "
                   "the ciphertext; essiv prevents that");
    }
  }
  const bool stays_small = header.segment.size && *header.segment.size <= plain_iv_bytes;
  if (cipher.iv == "plain" && !stays_small) {
    findings.add("short-iv",
                 "the IV 'plain' repeats after 2 TiB, and equal sectors then look equal; plain64 "
                 "does not");
  }
  if (cipher.cipher == "cast5") {
    findings.add("small-blocks",
                 "with blocks of 64 bits some are likely to be equal after 32 GiB, which tells "
                 "about the data in them");
  }
  const std::optional<std::size_t> key_bytes = header.volume_key_bytes;
  if (key_bytes && !cipher.cipher.empty() && cipher_key_bytes(cipher, *key_bytes) <= 16) {
    findings.add("short-key", "the cipher's key has " +
                                  std::to_string(8 * cipher_key_bytes(cipher, *key_bytes)) +
                                  " bits; 256 leave a margin, also against quantum computers");
  }
}

void look_at_derivation(const Keyslot& slot, const Pbkdf2Cost& cost, unsigned version,
                        Findings& findings) {
  if (version != 1) {
    findings.add(
        slot, "pbkdf2",
        "PBKDF2 needs no memory, so GPUs guess passphrases fast; Argon2id slows them down");
  }
  if (cost.hash == Hash::sha1) {
    findings.add(slot, "sha1", "SHA-1 is being retired (by NIST until the end of 2030)");
  }
  const std::uint32_t least = least_iterations(cost.hash);
  if (cost.iterations < least) {
    findings.add(slot, "pbkdf2-iterations",
                 "less than the " + std::to_string(least) + " iterations with " +
                     std::string(hash_name(cost.hash)) + " that OWASP advises for passphrases");
  }
}

void look_at_derivation(const Keyslot& slot, const luks::Argon2Kdf& kdf, unsigned /*version*/,
                        Findings& findings) {
  const std::uint64_t memory = kdf.cost.memory_kib;
  if (memory >= least_argon2_kib &&
      memory * kdf.cost.time >= least_argon2_kib * least_argon2_passes) {
    return;
  }
  findings.add(slot, "argon2-cost",
               "Argon2 costs less than 3 passes over 64 MiB, the least that RFC 9106 recommends");
}

void look_at_keyslot(const Keyslot& slot, const Header& header, Findings& findings) {
  if (!slot.unusable.empty()) return;
  if (!slot.bound) {
    findings.add(slot, "unbound", "unbound: holds some other key, and is never tried");
    return;
  }
  std::visit([&](const auto& cost) { look_at_derivation(slot, cost, header.version, findings); },
             slot.kdf.cost);
  if (header.segment.cipher.cipher.empty()) return;
  const std::size_t area_key = cipher_key_bytes(slot.area_cipher, slot.area_key_bytes);
  if (area_key < cipher_key_bytes(header.segment.cipher, slot.key_bytes)) {
    findings.add(slot, "short-area-key",
                 "the volume key is encrypted with a shorter key than the data");
  }
}

void look_at_all_keyslots(const Header& header, Findings& findings) {
  std::vector<const Keyslot*> usable;
  for (const Keyslot& slot : header.keyslots) {
    if (can_open(slot)) usable.push_back(&slot);
  }
  if (usable.size() == 1) {
    findings.add(*usable.front(), "single-keyslot",
                 "the only one: if its secret is lost or its area is damaged, so is the volume");
  }
  const bool none_tried = std::all_of(usable.begin(), usable.end(),
                                      [](const Keyslot* slot) { return slot->priority == 0; });
  if (!usable.empty() && none_tried) {
    findings.add("all-ignored",
                 "every key slot has the priority 'ignore': none is tried unless "
                 "--keyslot N names it");
  }
}

}  // namespace

std::vector<Weakness> find_weaknesses(const Header& header) {
  Findings findings;
  if (header.version == 1) {
    findings.add("luks1", "LUKS1 has one copy of its metadata, without a checksum, and no Argon2");
  }
  look_at_cipher(header, findings);
  for (const Keyslot& slot : header.keyslots) look_at_keyslot(slot, header, findings);
  look_at_all_keyslots(header, findings);
  return std::move(findings).take();
}

}  // namespace luksdetached
