#include "header_image.h"

#include <algorithm>
#include <span>
#include <string>

#include "crypt_device.h"
#include "crypto/hash.h"
#include "header_backup.h"
#include "luks1_keyslot.h"
#include "own_ciphers.h"

namespace luksdetached::edit {

namespace {

std::string slot_name(unsigned id) {
  return "key slot " + std::to_string(id);
}

LoadedHeader loaded(const MemoryFile& file, std::uint64_t size) {
  LoadedHeader result;
  result.image = file.bytes();
  result.image.resize(size);
  result.header = luks::parse_header(result.image);
  return result;
}

MemoryFile in_memory(const LoadedHeader& header) {
  const std::uint64_t end = header.header.end;
  return {std::span(header.image).first(end), in_whole_pages(end)};
}

void load(const CryptDevice& device, const luks::Header& header) {
  device.check(libcryptsetup().crypt_load(device.get(),
                                          header.version == 1 ? CRYPT_LUKS1 : CRYPT_LUKS2, nullptr),
               "let libcryptsetup change this header", ErrorKind::unsupported);
}

const char* chars(const SecureBuffer& bytes) {
  return reinterpret_cast<const char*>(bytes.data());
}

crypt_keyslot_priority priority_of(unsigned priority) {
  if (priority == 0) return CRYPT_SLOT_PRIORITY_IGNORE;
  return priority == 1 ? CRYPT_SLOT_PRIORITY_NORMAL : CRYPT_SLOT_PRIORITY_PREFER;
}

}  // namespace

LoadedHeader add_keyslot(const LoadedHeader& before, const SecureBuffer& volume_key,
                         const SecureBuffer& secret, const NewKeyslot& slot) {
  const luks::Header& header = before.header;
  if (header.version == 1 && slot.priority != 1) {
    throw Error(ErrorKind::usage, "the key slots of LUKS1 have no priorities");
  }
  const MemoryFile file = in_memory(before);
  const CryptDevice device(file, "");
  load(device, header);
  device.choose_kdf(slot.kdf, header.version, std::string(hash_name(header.digest.cost.hash)));
  // In LUKS1 key slots are encrypted as the data are.
  if (header.version == 1 && !has_own_cipher(header.segment.encryption)) {
    return add_luks1_keyslot(before, volume_key, secret, slot.id,
                             device.iterations(volume_key.size()));
  }
  if (header.version == 2) {
    device.check(
        libcryptsetup().crypt_keyslot_set_encryption(device.get(), area_cipher, area_key_bytes),
        "choose the cipher of a key slot");
  }
  const std::string doing = "make " + slot_name(slot.id);
  device.check(libcryptsetup().crypt_keyslot_add_by_volume_key(
                   device.get(), static_cast<int>(slot.id), chars(volume_key), volume_key.size(),
                   chars(secret), secret.size()),
               doing);
  if (slot.priority != 1) {
    device.check(libcryptsetup().crypt_keyslot_set_priority(device.get(), static_cast<int>(slot.id),
                                                            priority_of(slot.priority)),
                 doing);
  }
  return loaded(file, header.end);
}

LoadedHeader remove_keyslot(const LoadedHeader& before, unsigned id) {
  const MemoryFile file = in_memory(before);
  const CryptDevice device(file, "");
  load(device, before.header);
  device.check(libcryptsetup().crypt_keyslot_destroy(device.get(), static_cast<int>(id)),
               "remove " + slot_name(id));
  return loaded(file, before.header.end);
}

}  // namespace luksdetached::edit
