#include "header_json.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "crypto/hash.h"
#include "header_words.h"
#include "weaknesses.h"

namespace luksdetached {

namespace {

using nlohmann::ordered_json;

// Members are always there: null stands for what there is not.
ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

template <typename Number>
ordered_json number_or_null(const std::optional<Number>& number) {
  return number ? ordered_json(*number) : ordered_json(nullptr);
}

// One object for each element of `list`.
template <typename List, typename Describe>
ordered_json array_of(const List& list, Describe describe) {
  ordered_json array = ordered_json::array();
  for (const auto& element : list) array.push_back(describe(element));
  return array;
}

ordered_json derivation(const luks::Pbkdf2Cost& cost) {
  return {{"type", "pbkdf2"}, {"hash", hash_name(cost.hash)}, {"iterations", cost.iterations}};
}

ordered_json derivation(const luks::Argon2Kdf& kdf) {
  return {{"type", argon2_word(kdf.variant)},
          {"time", kdf.cost.time},
          {"memory_kib", kdf.cost.memory_kib},
          {"lanes", kdf.cost.lanes}};
}

ordered_json kdf_json(const luks::Kdf& kdf) {
  if (!is_known(kdf)) return nullptr;
  return std::visit([](const auto& cost) { return derivation(cost); }, kdf.cost);
}

ordered_json refusal_json(const luks::Refusal& refusal) {
  return {{"kind", kind_word(refusal.kind)}, {"message", refusal.message}};
}

ordered_json weakness_json(const Weakness& weakness) {
  return {{"id", weakness.id}, {"keyslots", weakness.keyslots}, {"message", weakness.message}};
}

ordered_json copy_json(const luks::HeaderCopy& copy) {
  return {{"offset", copy.offset},
          {"good", copy.problem.empty()},
          {"used", copy.used},
          {"sequence", has_sequence(copy) ? ordered_json(copy.sequence) : ordered_json(nullptr)},
          {"problem", text_or_null(copy.problem)}};
}

ordered_json segment_json(const luks::Header& header) {
  const luks::Segment& segment = header.segment;
  return {{"encryption", text_or_null(segment.encryption)},
          {"key_size", number_or_null(header.volume_key_bytes)},
          {"sector_size", segment.sector_size},
          {"offset", segment.offset},
          {"size", number_or_null(segment.size)}};
}

ordered_json splitter_json(const luks::Keyslot& slot) {
  if (!has_splitter(slot)) return nullptr;
  return {{"hash", slot.af_hash ? ordered_json(hash_name(*slot.af_hash)) : ordered_json(nullptr)},
          {"stripes", slot.af_stripes}};
}

ordered_json keyslot_json(const luks::Keyslot& slot) {
  return {{"id", slot.id},
          {"state", slot.bound ? "bound" : "unbound"},
          {"priority", priority_word(slot)},
          {"problem", text_or_null(slot.unusable)},
          {"key_size", slot.key_bytes},
          {"kdf", kdf_json(slot.kdf)},
          {"af", splitter_json(slot)},
          {"area",
           {{"encryption", text_or_null(slot.area_encryption)},
            {"key_size", slot.area_key_bytes},
            {"offset", slot.area_offset},
            {"size", slot.area_bytes}}}};
}

ordered_json token_json(const luks::Token& token) {
  return {{"id", token.id}, {"type", token.type}, {"keyslots", token.keyslots}};
}

}  // namespace

ordered_json keyslots_json(const luks::Header& header) {
  return array_of(header.keyslots, keyslot_json);
}

ordered_json header_json(const std::string& name, const std::string& sha256,
                         const luks::Header& header) {
  ordered_json report = {{"schema", 1},
                         {"valid", true},
                         {"servable", header.refusals.empty()},
                         {"header", name},
                         {"refusals", array_of(header.refusals, refusal_json)},
                         {"warnings", header.warnings},
                         {"weaknesses", array_of(find_weaknesses(header), weakness_json)},
                         {"version", header.version},
                         {"uuid", header.uuid},
                         {"label", text_or_null(header.label)},
                         {"subsystem", text_or_null(header.subsystem)},
                         {"flags", header.flags}};
  report["header_size"] = header.end;
  report["header_sha256"] = sha256;
  report["metadata_size"] = number_or_null(metadata_bytes(header));
  report["keyslots_size"] = number_or_null(keyslots_bytes(header));
  report["copies"] = array_of(header.copies, copy_json);
  report["segment"] = segment_json(header);
  report["digest"] =
      header.digest.digest.empty() ? ordered_json(nullptr) : derivation(header.digest.cost);
  report["keyslots"] = keyslots_json(header);
  report["tokens"] = array_of(header.tokens, token_json);
  return report;
}

}  // namespace luksdetached
