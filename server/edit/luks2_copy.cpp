#include "luks2_copy.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/hash.h"

namespace luksdetached::edit {

namespace {

// The binary header in front of the JSON: cryptsetup's docs/on-disk-format-luks2, section 2.1.
constexpr std::size_t binary_bytes = 4096, hash_at = 72, hash_bytes_max = 32, checksum_at = 448,
                      checksum_bytes = 64;

std::string_view text_in(std::span<const std::byte> field) {
  const std::string_view text(reinterpret_cast<const char*>(field.data()), field.size());
  return text.substr(0, text.find('\0'));
}

void seal(std::span<std::byte> copy) {
  const std::optional<Hash> hash = find_hash(text_in(copy.subspan(hash_at, hash_bytes_max)));
  const std::span<std::byte> checksum = copy.subspan(checksum_at, checksum_bytes);
  std::ranges::fill(checksum, std::byte{0});
  const std::span<const std::byte> parts[] = {copy};
  // Only when all of it was hashed does the field change.
  std::vector<std::byte> digest(digest_size(hash.value()));
  hash_bytes(*hash, parts, digest);
  std::ranges::copy(digest, checksum.begin());
}

}  // namespace

void change_luks2_copy(std::span<std::byte> copy,
                       const std::function<void(nlohmann::ordered_json&)>& change) {
  const std::span<std::byte> area = copy.subspan(binary_bytes);
  auto json = nlohmann::ordered_json::parse(text_in(area));
  change(json);
  const std::string text = json.dump();
  if (text.size() >= area.size()) {
    throw Error(ErrorKind::usage, "the changed metadata have no room in the header");
  }
  std::ranges::fill(area, std::byte{0});
  std::ranges::copy(std::as_bytes(std::span(text)), area.begin());
  seal(copy);
}

}  // namespace luksdetached::edit
