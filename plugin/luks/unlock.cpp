#include "luks/unlock.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/option_text.h"
#include "base/usable_cpus.h"
#include "crypto/argon2.h"
#include "crypto/pbkdf2_queue.h"
#include "crypto/sector_cipher.h"
#include "luks/anti_forensic.h"
#include "luks/volume_key.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t area_piece = 4096;  // decrypted at once: one page of locked memory

std::string slot_name(const Keyslot& slot) {
  return "key slot " + std::to_string(slot.id);
}

// What the slot yields for the key of its area; the right volume key only if the digest says so.
SecureBuffer open_area(const Keyslot& slot, std::span<const std::byte> image,
                       const SecureBuffer& area_key) {
  const auto cipher = make_sector_cipher(slot.area_cipher, area_key.span(), area_sector_bytes);
  StripeMerger merger(slot.key_bytes, luks_stripes, *slot.af_hash);
  SecureBuffer plain(area_piece);
  for (std::uint64_t at = 0; at < slot.area_bytes; at += area_piece) {
    const auto part = plain.span().first(std::min<std::uint64_t>(area_piece, slot.area_bytes - at));
    cipher->decrypt(image.subspan(slot.area_offset + at, part.size()), part,
                    at / area_sector_bytes);
    merger.add(part);
  }
  return std::move(merger).take();
}

// The slots to try, first to last.
std::vector<const Keyslot*> candidates(const Header& header, std::optional<unsigned> only) {
  std::vector<const Keyslot*> slots;
  for (const Keyslot& slot : header.keyslots) {
    const bool wanted = only ? slot.id == *only : slot.bound && slot.priority > 0;
    if (wanted) slots.push_back(&slot);
  }
  if (only) {
    if (slots.empty()) {
      throw Error(ErrorKind::usage, "key slot " + std::to_string(*only) + " is not in use");
    }
    if (!slots.front()->bound) {
      throw Error(ErrorKind::usage,
                  slot_name(*slots.front()) + " does not hold the key of this volume (unbound)");
    }
  }
  if (slots.empty()) {
    throw Error(
        ErrorKind::wrong_secret,
        "every key slot has the priority 'ignore'; name one with " + option_text("keyslot", "N"));
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const Keyslot* a, const Keyslot* b) { return a->priority > b->priority; });
  return slots;
}

bool ends_in_newline(const SecureBuffer& secret) {
  return !secret.empty() && secret.data()[secret.size() - 1] == std::byte{'\n'};
}

// The bound slots that are tried only when asked for, as "1, 4".
std::string ignored_slots(const Header& header) {
  std::string numbers;
  for (const Keyslot& slot : header.keyslots) {
    if (!slot.bound || slot.priority != 0) continue;
    if (!numbers.empty()) numbers += ", ";
    numbers += std::to_string(slot.id);
  }
  return numbers;
}

Error no_match(const Header& header, std::span<const SecureBuffer> secrets,
               std::optional<unsigned> only, const std::optional<Error>& untried) {
  std::string message =
      secrets.size() == 1 ? "the secret does not match " : "none of the secrets matches ";
  message += only ? "key slot " + std::to_string(*only) : std::string("any key slot");
  if (std::any_of(secrets.begin(), secrets.end(), ends_in_newline)) {
    message += "; a secret ends in a newline, and " + option_text("secret") +
               " uses a file exactly as it is: if the passphrase was typed, use " +
               option_text("passphrase", "+FILE") + ", which leaves the newline out";
  }
  const std::string ignored = only ? "" : ignored_slots(header);
  if (!ignored.empty()) {
    message += "; not tried for their priority 'ignore': " + ignored + " (" +
               option_text("keyslot", "N") + " tries one)";
  }
  if (untried) message += std::string("; ") + untried->what();
  return {ErrorKind::wrong_secret, message};
}

// A secret and the slot that it may open.
struct Attempt {
  const SecureBuffer& secret;
  const Keyslot& slot;
  std::optional<Error> refused;  // why it is not made

  const Pbkdf2Cost* pbkdf2() const { return std::get_if<Pbkdf2Cost>(&slot.kdf.cost); }
};

// Takes from `budget` what the attempt may cost.
void pay(Attempt& attempt, const Digest& digest, KdfBudget& budget) {
  try {
    const Keyslot& slot = attempt.slot;
    if (!slot.unusable.empty()) throw Error(ErrorKind::unsupported, slot.unusable);
    if (const Pbkdf2Cost* cost = attempt.pbkdf2()) {
      budget.spend(*cost, slot.area_key_bytes);
    } else {
      budget.spend(std::get<Argon2Kdf>(slot.kdf.cost).cost);
    }
    budget.spend(digest.cost, digest.digest.size());
  } catch (const Error& error) {
    attempt.refused = error;
  }
}

// All of them, first to last, and paid for in this order, so that how many are made at the same
// time changes nothing.
std::vector<Attempt> attempts(const Header& header, std::span<const SecureBuffer> secrets,
                              std::optional<unsigned> only, KdfBudget& budget) {
  std::vector<Attempt> all;
  for (const SecureBuffer& secret : secrets) {
    for (const Keyslot* slot : candidates(header, only)) {
      all.push_back({secret, *slot, {}});
      pay(all.back(), header.digest, budget);
    }
  }
  return all;
}

// The keys of the areas, one after the other.
class AreaKeys {
 public:
  explicit AreaKeys(std::span<const Attempt> attempts) : attempts_(attempts) {}

  // For the attempt of this number, which is not refused; each attempt has its turn once.
  SecureBuffer derive(std::size_t number) {
    const Attempt& attempt = attempts_[number];
    if (attempt.pbkdf2() != nullptr) {
      if (!queue_) queue_.emplace(inputs_from(number), usable_cpus());
      return queue_->next();
    }
    queue_.reset();  // Argon2 has all CPUs for itself
    const auto& kdf = std::get<Argon2Kdf>(attempt.slot.kdf.cost);
    SecureBuffer key(attempt.slot.area_key_bytes);
    argon2(kdf.variant, attempt.secret.span(), attempt.slot.kdf.salt, kdf.cost, key.span());
    return key;
  }

 private:
  // What PBKDF2 has to do until Argon2 has its turn.
  std::vector<Pbkdf2Input> inputs_from(std::size_t number) const {
    std::vector<Pbkdf2Input> inputs;
    for (const Attempt& attempt : attempts_.subspan(number)) {
      if (attempt.refused) continue;
      const Pbkdf2Cost* cost = attempt.pbkdf2();
      if (cost == nullptr) break;
      inputs.push_back({cost->hash, attempt.secret.span(), attempt.slot.kdf.salt, cost->iterations,
                        attempt.slot.area_key_bytes});
    }
    return inputs;
  }

  std::span<const Attempt> attempts_;
  std::optional<Pbkdf2Queue> queue_;
};

}  // namespace

Unlocked unlock(const Header& header, std::span<const std::byte> image,
                std::span<const SecureBuffer> secrets, std::optional<unsigned> only,
                KdfBudget& budget) {
  const std::vector<Attempt> all = attempts(header, secrets, only, budget);
  AreaKeys area_keys(all);
  std::optional<Error> untried;
  bool tried = false;
  for (std::size_t n = 0; n < all.size(); ++n) {
    const Keyslot& slot = all[n].slot;
    try {
      if (all[n].refused) throw *all[n].refused;
      SecureBuffer volume_key = open_area(slot, image, area_keys.derive(n));
      tried = true;
      if (is_digest_of(header.digest, volume_key)) return {std::move(volume_key), slot.id};
    } catch (const Error& error) {
      // Another slot may still open; if none does, this is what the user must hear.
      // Most of all that a slot which this version knows was over its limit.
      const bool more_telling = untried && untried->kind() != ErrorKind::key_derivation &&
                                error.kind() == ErrorKind::key_derivation;
      if (!untried || more_telling) {
        untried.emplace(error.kind(), slot_name(slot) + " cannot be tried: " + error.what());
      }
    }
  }
  if (untried && (!tried || untried->kind() == ErrorKind::key_derivation)) throw *untried;
  throw no_match(header, secrets, only, untried);
}

}  // namespace luksdetached::luks
