// What the tests of this room share.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "../luks/header_builder.h"
#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "luks/unlock.h"

namespace luksdetached::testing {

inline SecureBuffer secret_of(std::string_view text) {
  SecureBuffer secret(text.size());
  const auto bytes = std::as_bytes(std::span(text));
  std::copy(bytes.begin(), bytes.end(), secret.data());
  return secret;
}

/// As it is read from a file that holds `image` and nothing else.
inline LoadedHeader loaded(Bytes image) {
  LoadedHeader header;
  header.header = luks::parse_header(image);
  header.image = std::move(image);
  header.image.resize(header.header.end);
  return header;
}

/// Does `text` open key slot `id`?
inline bool opens(const LoadedHeader& header, std::string_view text, unsigned id) {
  const SecureBuffer secret = secret_of(text);
  luks::KdfBudget budget;
  try {
    (void)luks::unlock(header.header, header.image, std::span(&secret, 1), id, budget);
    return true;
  } catch (const Error&) {
    return false;
  }
}

inline bool in_use(const LoadedHeader& header, unsigned id) {
  for (const luks::Keyslot& slot : header.header.keyslots) {
    if (slot.id == id) return true;
  }
  return false;
}

}  // namespace luksdetached::testing
