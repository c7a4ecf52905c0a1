#include "luks/luks2_config.h"

#include <algorithm>
#include <string_view>

#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::uint64_t area_unit = 4096;
constexpr std::string_view online_name = "online-reencrypt";

Reencryption reencryption_of(std::string_view requirement) {
  if (requirement == "offline-reencrypt") return Reencryption::offline;
  if (!requirement.starts_with(online_name)) return Reencryption::none;
  const std::string_view version = requirement.substr(online_name.size());
  if (version.empty() || version == "-v2" || version == "-v3") return Reencryption::online;
  const bool numbered = version.starts_with("-v") && version.size() > 2 &&
                        version.find_first_not_of("0123456789", 2) == std::string_view::npos;
  return numbered ? Reencryption::online_unknown : Reencryption::none;
}

void parse_requirements(const Node& requirements, Luks2Config& config) {
  bool online = false;
  for (const std::string& name : requirements.shown_texts("mandatory")) {
    const Reencryption kind = reencryption_of(name);
    if (kind == Reencryption::none) {
      config.unknown_requirements.push_back(name);
      continue;
    }
    if (kind != Reencryption::offline) {
      if (online) throw requirements.complaint("asks for online reencryption twice");
      online = true;
    }
    if (kind != Reencryption::offline || !online) config.reencryption = kind;
  }
}

}  // namespace

Luks2Config parse_luks2_config(const Node& node, std::uint64_t metadata_bytes) {
  if (node.u64("json_size") != metadata_bytes - luks2_binary_bytes) {
    throw node.child("json_size").complaint("does not match the binary header");
  }
  const std::uint64_t areas_bytes = node.u64("keyslots_size");
  if (areas_bytes % area_unit != 0 || areas_bytes > max_header_bytes - max_metadata_bytes) {
    throw node.child("keyslots_size").complaint("is not a multiple of 4096 up to 128 MiB");
  }
  Luks2Config config;
  config.areas_begin = 2 * metadata_bytes;
  config.areas_end = config.areas_begin + areas_bytes;
  config.flags = node.shown_texts("flags");
  if (node.has("requirements")) parse_requirements(node.object("requirements"), config);
  return config;
}

}  // namespace luksdetached::luks
