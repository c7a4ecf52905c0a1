#include "export/required_header.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/hash.h"

namespace luksdetached {

namespace {

void require_equal(std::string_view option, std::string_view asked, std::string_view found) {
  if (asked == found) return;
  throw Error(ErrorKind::policy, "it is not the expected header: " + std::string(option) + "=" +
                                     std::string(asked) + ", but it has " + std::string(found));
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

}  // namespace

std::string header_sha256(const LoadedHeader& loaded) {
  std::array<std::byte, 32> digest{};
  // Where damage hid its size, more was read.
  const std::span<const std::byte> parts[] = {std::span(loaded.image).first(loaded.header.end)};
  hash_bytes(Hash::sha256, parts, digest);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : digest) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

void check_required_header(const ExportOptions& options, const LoadedHeader& loaded) {
  const luks::Header& header = loaded.header;
  if (!options.header_sha256.empty()) {
    require_equal("header-sha256", options.header_sha256, header_sha256(loaded));
  }
  if (options.require_luks) {
    require_equal("require-luks", std::to_string(*options.require_luks),
                  std::to_string(header.version));
  }
  if (!options.require_uuid.empty()) {
    require_equal("require-uuid", lower_case(options.require_uuid), lower_case(header.uuid));
  }
  if (!options.require_cipher.empty()) {
    require_equal("require-cipher", options.require_cipher, header.segment.encryption);
  }
}

}  // namespace luksdetached
