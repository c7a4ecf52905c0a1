#include "luks/luks2_digests.h"

#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::size_t shortest_digest = 20;  // what LUKS1 has, and volumes converted from it

void parse_pbkdf2(const Node& node, Luks2Digest& entry) {
  const std::uint32_t iterations = node.positive_u32("iterations");
  const std::string name = node.text("hash");
  const std::optional<Hash> hash = find_hash(name);
  Digest digest{{}, node.base64("salt", luks_salt_bytes), node.base64("digest")};
  // A shorter digest would take wrong keys for right ones.
  const std::size_t size = digest.digest.size();
  const bool whole = hash ? size == digest_size(*hash) : size > shortest_digest;
  if (size != shortest_digest && !whole) {
    throw node.child("digest").complaint("has " + std::to_string(size) +
                                         " bytes, which is not the length of its hash");
  }
  if (!hash) {
    entry.refusal = {ErrorKind::unsupported, node.path() + ": " + unsupported_hash(name)};
    return;
  }
  digest.cost = {*hash, iterations};
  entry.digest = std::move(digest);
}

}  // namespace

std::vector<Luks2Digest> parse_luks2_digests(const Node& digests, const Node& keyslots,
                                             const Node& segments) {
  std::vector<Luks2Digest> entries;
  digests.for_each_numbered([&](unsigned, const Node& node) {
    Luks2Digest entry;
    entry.path = node.path();
    entry.keyslots = node.references("keyslots", keyslots);
    entry.segments = node.references("segments", segments);
    const std::string type = node.text("type");
    // Without a segment nobody uses it, and it may be as it likes.
    if (!entry.segments.empty()) {
      if (type == "pbkdf2") {
        parse_pbkdf2(node, entry);
      } else {
        entry.refusal = {ErrorKind::unsupported,
                         node.path() + ": digest type '" + type + "' is not supported"};
      }
    }
    entries.push_back(std::move(entry));
  });
  return entries;
}

}  // namespace luksdetached::luks
