#include "luks/base64.h"

#include <crypto++/base64.h>
#include <crypto++/filters.h>

#include <string>

namespace luksdetached::luks {

std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
  using CryptoPP::StringSink;
  using CryptoPP::StringSource;
  const std::string encoded(text);
  std::string decoded;
  const StringSource decode(encoded, true, new CryptoPP::Base64Decoder(new StringSink(decoded)));
  // Crypto++ skips what it does not know; encoding again shows whether there was any of that.
  std::string again;
  const StringSource encode(decoded, true,
                            new CryptoPP::Base64Encoder(new StringSink(again), false));
  if (again != encoded) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(decoded.size());
  for (const char c : decoded) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

}  // namespace luksdetached::luks
