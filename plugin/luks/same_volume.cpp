#include "luks/same_volume.h"

#include <array>

namespace luksdetached::luks {

namespace {

bool same_digest(const Digest& one, const Digest& other) {
  return one.cost.hash == other.cost.hash && one.cost.iterations == other.cost.iterations &&
         one.salt == other.salt && one.digest == other.digest;
}

// What is compared as text, and shown when it differs.
struct Property {
  const char* name;
  std::string (*of)(const Header&);
};

constexpr std::array properties = {
    Property{"UUID", [](const Header& header) { return header.uuid; }},
    Property{"cipher", [](const Header& header) { return header.segment.encryption; }},
    Property{"first byte of the encrypted data",
             [](const Header& header) { return std::to_string(header.segment.offset); }},
    Property{"size of the encrypted data",
             [](const Header& header) {
               const auto size = header.segment.size;
               return size ? std::to_string(*size) + " bytes" : std::string("open");
             }},
    Property{"sector size",
             [](const Header& header) { return std::to_string(header.segment.sector_size); }},
};

}  // namespace

std::string volume_difference(const Header& one, const Header& other) {
  for (const Property& property : properties) {
    const std::string its = property.of(one);
    const std::string others = property.of(other);
    if (its == others) continue;
    std::string text = "the ";
    return text.append(property.name).append(" is ").append(its).append(", not ").append(others);
  }
  if (!same_digest(one.digest, other.digest)) return "the digest of the volume key is another one";
  const bool lengths_known = one.volume_key_bytes && other.volume_key_bytes;
  if (lengths_known && one.volume_key_bytes != other.volume_key_bytes) {
    return "the volume key has " + std::to_string(*one.volume_key_bytes) + " bytes, not " +
           std::to_string(*other.volume_key_bytes);
  }
  return "";
}

}  // namespace luksdetached::luks
