#include "new_volume.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <span>

#include "base/file_descriptor.h"
#include "crypt_device.h"
#include "header_image.h"
#include "luks/encryption.h"
#include "luks/unlock.h"
#include "noise.h"
#include "own_ciphers.h"
#include "segment_cipher.h"
#include "source/uri.h"

namespace luksdetached::edit {

namespace {

constexpr std::uint64_t room_for_header = std::uint64_t{16} << 20;  // what LUKS2 takes by default
constexpr std::size_t max_label_bytes = 47;  // libcryptsetup would cut off the rest

unsigned key_bits(const VolumeChoice& choice) {
  if (choice.key_bits) return *choice.key_bits;
  return choice.cipher.find("-xts-") != std::string::npos ? 512 : 256;
}

void check_choice(const VolumeChoice& choice) {
  if (key_bits(choice) % 8 != 0) {
    throw Error(ErrorKind::usage, "a key of " + std::to_string(key_bits(choice)) +
                                      " bits: --key-size is a multiple of 8");
  }
  if (choice.version == 1 && choice.sector_bytes != 512) {
    throw Error(ErrorKind::usage, "LUKS1 has sectors of 512 bytes and no others");
  }
  if (choice.version == 1 && !choice.label.empty()) {
    throw Error(ErrorKind::usage, "LUKS1 has no labels");
  }
  if (choice.label.size() > max_label_bytes) {
    throw Error(ErrorKind::usage, "the label has " + std::to_string(choice.label.size()) +
                                      " bytes; the header has room for " +
                                      std::to_string(max_label_bytes));
  }
  try {
    const auto encryption = luks::judge_encryption(choice.cipher, key_bits(choice) / 8);
    if (encryption.refusal) throw Error(encryption.refusal->kind, encryption.refusal->message);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::header_damaged) throw;
    throw Error(ErrorKind::usage, choice.cipher + " has no keys of " +
                                      std::to_string(key_bits(choice)) + " bits (--key-size)");
  }
}

// A cipher that libcryptsetup makes a header for without the kernel's help, and whose keys are as
// long. The header names the right one afterwards.
std::string stand_in(const VolumeChoice& choice) {
  if (has_own_cipher(choice.cipher)) return choice.cipher;
  return key_bits(choice) <= 256 ? "aes-cbc-plain64" : "aes-xts-plain64";
}

void format(const CryptDevice& device, const VolumeChoice& choice, const SecureBuffer& volume_key) {
  const std::string name = stand_in(choice);
  const std::size_t dash = name.find('-');
  const std::string cipher = name.substr(0, dash);
  const std::string mode = name.substr(dash + 1);
  const std::string hash = choice.kdf.hash.empty() ? "sha256" : choice.kdf.hash;
  crypt_params_luks1 luks1 = {};
  luks1.hash = hash.c_str();
  crypt_params_luks2 luks2 = {};
  luks2.sector_size = static_cast<std::uint32_t>(choice.sector_bytes);
  luks2.label = choice.label.empty() ? nullptr : choice.label.c_str();
  void* const parameters =
      choice.version == 1 ? static_cast<void*>(&luks1) : static_cast<void*>(&luks2);
  device.choose_kdf(choice.kdf, choice.version, hash);
  device.check(libcryptsetup().crypt_format(
                   device.get(), choice.version == 1 ? CRYPT_LUKS1 : CRYPT_LUKS2, cipher.c_str(),
                   mode.c_str(), choice.uuid.empty() ? nullptr : choice.uuid.c_str(),
                   reinterpret_cast<const char*>(volume_key.data()), volume_key.size(), parameters),
               "make a header");
}

}  // namespace

std::size_t usual_sector_bytes(unsigned version, const std::string& payload_uri,
                               std::uint64_t payload_bytes) {
  constexpr std::size_t large = 4096;
  if (version == 1 || payload_bytes == 0 || payload_bytes % large != 0) return 512;
  const Uri uri = parse_uri(payload_uri);
  struct stat status = {};
  if (uri.scheme != Scheme::path || ::stat(uri.path.c_str(), &status) != 0 ||
      !S_ISBLK(status.st_mode)) {
    return large;
  }
  const FileDescriptor device(::open(uri.path.c_str(), O_RDONLY | O_CLOEXEC));
  unsigned physical = 0;
  const bool known = device && ::ioctl(device.get(), BLKPBSZGET, &physical) == 0;
  return known && physical % large == 0 ? large : 512;
}

LoadedHeader make_header(const VolumeChoice& choice, std::uint64_t payload_bytes,
                         const SecureBuffer& secret, const luks::KdfLimits& limits) {
  check_choice(choice);
  const MemoryFile file({}, room_for_header);
  const MemoryFile payload({}, payload_bytes);  // libcryptsetup looks at its size alone
  SecureBuffer volume_key(key_bits(choice) / 8);
  fill_with_noise(volume_key.span());
  format(CryptDevice(file, payload.path()), choice, volume_key);
  LoadedHeader made;
  made.image = file.bytes();
  made.header = luks::parse_header(made.image);
  made.image.resize(made.header.end);
  if (stand_in(choice) != choice.cipher) made = with_segment_cipher(made, choice.cipher);
  made = add_keyslot(made, volume_key, secret, {.kdf = choice.kdf});
  luks::check_servable(made.header);
  const luks::Segment& segment = made.header.segment;
  if (segment.offset != 0 || segment.encryption != choice.cipher) {
    throw Error(ErrorKind::header_damaged,
                "the new header is not right, so it was not written: its data are " +
                    segment.encryption + " from byte " + std::to_string(segment.offset) + " on");
  }
  luks::KdfBudget budget(limits);
  (void)luks::unlock(made.header, made.image, std::span(&secret, 1), 0, budget);
  return made;
}

}  // namespace luksdetached::edit
