#include "header_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "crypto/hash.h"
#include "header_words.h"
#include "size_text.h"
#include "text_table.h"
#include "weaknesses.h"

namespace luksdetached {

namespace {

constexpr std::size_t indent = 2;

std::string bits_text(std::size_t bytes) {
  return std::to_string(8 * bytes) + " bits";
}

template <typename List>
std::string joined(const List& list) {
  std::string text;
  for (const auto& element : list) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_convertible_v<decltype(element), std::string_view>) {
      text += element;
    } else {
      text += std::to_string(element);
    }
  }
  return text;
}

std::string keyslots_text(const std::vector<unsigned>& ids) {
  return (ids.size() == 1 ? "key slot " : "key slots ") + joined(ids);
}

std::string section(std::string_view title, std::vector<Row> rows) {
  if (rows.empty()) return {};
  return std::string("\n").append(title).append("\n").append(text_table(std::move(rows), indent));
}

std::string copy_text(const luks::HeaderCopy& copy) {
  std::string text = "at byte " + std::to_string(copy.offset);
  if (has_sequence(copy)) text += ", sequence " + std::to_string(copy.sequence);
  text += copy.problem.empty() ? ": good" : ": bad: " + copy.problem;
  if (copy.used) text += ", used";
  return text;
}

std::string derivation_text(const luks::Pbkdf2Cost& cost) {
  return "pbkdf2 " + std::string(hash_name(cost.hash)) + ", " + std::to_string(cost.iterations) +
         " iterations";
}

std::string derivation_text(const luks::Argon2Kdf& kdf) {
  return std::string(argon2_word(kdf.variant)) + ", " + std::to_string(kdf.cost.time) +
         " passes over " + size_text(std::uint64_t{kdf.cost.memory_kib} * 1024) + ", " +
         std::to_string(kdf.cost.lanes) + (kdf.cost.lanes == 1 ? " lane" : " lanes");
}

std::string kdf_text(const luks::Kdf& kdf) {
  if (!is_known(kdf)) return "unknown";
  return std::visit([](const auto& cost) { return derivation_text(cost); }, kdf.cost);
}

std::string segment_text(const luks::Header& header) {
  const luks::Segment& segment = header.segment;
  std::string text = segment.encryption;
  if (header.volume_key_bytes) text += ", key of " + bits_text(*header.volume_key_bytes);
  text += ", sectors of " + std::to_string(segment.sector_size) + " bytes, ";
  const std::string from = "from byte " + std::to_string(segment.offset);
  return text + (segment.size ? size_text(*segment.size) + " " + from
                              : from + " to the end of the payload");
}

std::vector<Row> facts(const std::string& sha256, const luks::Header& header) {
  std::vector<Row> rows = {{"UUID", header.uuid}};
  if (!header.label.empty()) rows.push_back({"label", header.label});
  if (!header.subsystem.empty()) rows.push_back({"subsystem", header.subsystem});
  if (!header.flags.empty()) rows.push_back({"flags", joined(header.flags)});
  if (const auto metadata = metadata_bytes(header)) {
    rows.push_back({"metadata", "two copies of " + size_text(*metadata)});
    rows.push_back({"primary", copy_text(header.copies[0])});
    rows.push_back({"secondary", copy_text(header.copies[1])});
  }
  const auto for_keyslots = keyslots_bytes(header);
  rows.push_back({"key slot area", (for_keyslots ? size_text(*for_keyslots) + ", " : "") +
                                       "to byte " + std::to_string(header.end)});
  rows.push_back({"SHA-256", sha256});
  if (!header.segment.encryption.empty()) rows.push_back({"segment", segment_text(header)});
  if (!header.digest.digest.empty())
    rows.push_back({"digest", derivation_text(header.digest.cost)});
  return rows;
}

std::string area_text(const luks::Keyslot& slot) {
  std::string text = slot.area_encryption.empty()
                         ? "unknown"
                         : slot.area_encryption + ", " + bits_text(slot.area_key_bytes);
  text += ", " + size_text(slot.area_bytes) + " at byte " + std::to_string(slot.area_offset);
  if (has_splitter(slot) && slot.af_stripes != luks::luks_stripes)
    text += ", " + std::to_string(slot.af_stripes) + " stripes";
  return text;
}

std::vector<Row> keyslot_rows(const luks::Header& header) {
  std::vector<Row> rows = {{"slot", "state", "priority", "key", "derivation", "area"}};
  for (const luks::Keyslot& slot : header.keyslots) {
    rows.push_back({std::to_string(slot.id), slot.bound ? "bound" : "unbound",
                    std::string(priority_word(slot)), bits_text(slot.key_bytes), kdf_text(slot.kdf),
                    area_text(slot)});
  }
  if (rows.size() == 1) rows.clear();
  return rows;
}

std::vector<Row> tokens(const luks::Header& header) {
  std::vector<Row> rows;
  rows.reserve(header.tokens.size());
  for (const luks::Token& token : header.tokens) {
    rows.push_back(
        {std::to_string(token.id), token.type,
         token.keyslots.empty() ? "for no key slot" : "for " + keyslots_text(token.keyslots)});
  }
  return rows;
}

std::vector<Row> wrong(const luks::Header& header) {
  std::vector<Row> rows;
  rows.reserve(header.warnings.size());
  for (const std::string& text : header.warnings) rows.push_back({text});
  for (const luks::Keyslot& slot : header.keyslots) {
    if (slot.unusable.empty()) continue;
    rows.push_back({keyslots_text({slot.id}) + " cannot be tried: " + slot.unusable});
  }
  return rows;
}

std::vector<Row> weak(const luks::Header& header) {
  std::vector<Row> rows;
  for (const Weakness& weakness : find_weaknesses(header)) {
    const std::string where =
        weakness.keyslots.empty() ? "" : keyslots_text(weakness.keyslots) + ": ";
    rows.push_back({where + weakness.message});
  }
  return rows;
}

std::string verdict(const std::string& name, const luks::Header& header) {
  std::string text = name + ": a LUKS" + std::to_string(header.version) + " header that ";
  if (header.refusals.empty()) return text + "can be served\n";
  text += "is refused:\n";
  for (const luks::Refusal& refusal : header.refusals) {
    text +=
        text_table({{(refusal.kind == ErrorKind::policy ? "against policy: " : "not supported: ") +
                     refusal.message}},
                   indent);
  }
  return text;
}

}  // namespace

std::string header_text(const std::string& name, const std::string& sha256,
                        const luks::Header& header) {
  return verdict(name, header) + "\n" + text_table(facts(sha256, header), indent) +
         section("Key slots", keyslot_rows(header)) + section("Tokens", tokens(header)) +
         section("Wrong", wrong(header)) + section("Weak", weak(header));
}

std::string keyslot_table(const luks::Header& header) {
  return text_table(keyslot_rows(header), 0);
}

}  // namespace luksdetached
