// Headers as values, for the tests of reports.
#pragma once

#include <string>

#include "luks/header.h"

namespace luksdetached::testing {

/// A key slot with nothing weak about it.
inline luks::Keyslot sample_keyslot(unsigned id) {
  luks::Keyslot slot;
  slot.id = id;
  slot.key_bytes = 64;
  slot.kdf.cost = luks::Argon2Kdf{Argon2Variant::id, {4, 1 << 20, 2}};
  slot.af_hash = Hash::sha256;
  slot.af_stripes = 4000;
  slot.area_encryption = "aes-xts-plain64";
  slot.area_cipher = {"aes", "xts", "plain64", ""};
  slot.area_key_bytes = 64;
  slot.area_offset = 32768 + id * 258048;
  slot.area_bytes = 256000;
  return slot;
}

/// A LUKS2 header with two key slots and nothing weak or wrong about it.
inline luks::Header sample_header() {
  luks::Header header{};
  header.version = 2;
  header.uuid = "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11";
  header.copies = {{0, 7, true, ""}, {16384, 7, false, ""}};
  header.segment.encryption = "aes-xts-plain64";
  header.segment.cipher = {"aes", "xts", "plain64", ""};
  header.segment.sector_size = 4096;
  header.digest.cost = {Hash::sha256, 1000};
  header.digest.digest.resize(32);
  header.volume_key_bytes = 64;
  header.keyslots = {sample_keyslot(0), sample_keyslot(1)};
  header.key_material_end = 32768 + 2 * 258048;
  header.end = 32768 + (4 << 20);
  return header;
}

/// The same as LUKS1 would have it.
inline luks::Header sample_luks1_header() {
  luks::Header header = sample_header();
  header.version = 1;
  header.copies.clear();
  header.segment.sector_size = 512;
  for (luks::Keyslot& slot : header.keyslots) {
    slot.kdf.cost = luks::Pbkdf2Cost{Hash::sha256, 2'000'000};
  }
  return header;
}

}  // namespace luksdetached::testing
