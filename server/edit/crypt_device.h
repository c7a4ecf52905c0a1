// libcryptsetup on a header in memory. Included by this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "kdf_choice.h"
#include "loaded_libcryptsetup.h"

namespace luksdetached::edit {

/// A file in memory that has a path.
class MemoryFile {
 public:
  /// Has `size` bytes, the first ones `image`.
  MemoryFile(std::span<const std::byte> image, std::uint64_t size);

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  /// All its bytes.
  std::vector<std::byte> bytes() const;

 private:
  FileDescriptor file_;
};

/// libcryptsetup's handle of a header in memory. As soon as there is one, the process leaves no
/// core dump.
class CryptDevice {
 public:
  /// `data`, if not empty, is the path of what the header is for.
  CryptDevice(const MemoryFile& header, const std::string& data);

  crypt_device* get() const noexcept { return device_.get(); }

  /// Throws Error(kind) that says `doing` and libcryptsetup's reason, when `result` is negative.
  int check(int result, const std::string& doing, ErrorKind kind = ErrorKind::usage) const;

  /// Has the next key slots derived as `choice` says; `version` of LUKS, whose `hash` it is bound
  /// to in LUKS1. Throws Error.
  void choose_kdf(const KdfChoice& choice, unsigned version, const std::string& hash) const;

  /// How many iterations of PBKDF2 that is, for a key of `key_bytes`; measured if need be. Throws
  /// Error.
  std::uint32_t iterations(std::size_t key_bytes) const;

 private:
  struct Free {
    void operator()(crypt_device* device) const noexcept { libcryptsetup().crypt_free(device); }
  };

  // What libcryptsetup said last; it keeps a pointer to it.
  std::unique_ptr<std::string> said_ = std::make_unique<std::string>();
  std::unique_ptr<crypt_device, Free> device_;
};

}  // namespace luksdetached::edit
