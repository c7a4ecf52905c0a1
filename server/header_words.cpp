#include "header_words.h"

#include <algorithm>
#include <variant>

namespace luksdetached {

std::string_view priority_word(const luks::Keyslot& slot) noexcept {
  if (slot.priority == 0) return "ignore";
  return slot.priority == 1 ? "normal" : "prefer";
}

std::string_view argon2_word(Argon2Variant variant) noexcept {
  return variant == Argon2Variant::i ? "argon2i" : "argon2id";
}

bool is_known(const luks::Kdf& kdf) noexcept {
  const auto* pbkdf2 = std::get_if<luks::Pbkdf2Cost>(&kdf.cost);
  return pbkdf2 == nullptr || pbkdf2->iterations != 0;
}

bool has_sequence(const luks::HeaderCopy& copy) noexcept {
  return copy.problem.empty() || copy.sequence != 0;
}

bool has_splitter(const luks::Keyslot& slot) noexcept {
  return slot.af_stripes != 0;
}

bool can_open(const luks::Keyslot& slot) noexcept {
  return slot.bound && slot.unusable.empty();
}

std::optional<std::uint64_t> metadata_bytes(const luks::Header& header) noexcept {
  if (header.copies.size() != 2) return std::nullopt;
  return header.copies[1].offset;  // the secondary begins where the primary ends
}

std::optional<std::uint64_t> keyslots_bytes(const luks::Header& header) noexcept {
  const std::optional<std::uint64_t> metadata = metadata_bytes(header);
  if (!metadata || header.end < 2 * *metadata) return std::nullopt;
  return header.end - 2 * *metadata;
}

}  // namespace luksdetached
