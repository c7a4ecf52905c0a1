#include "crypt_device.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/available_memory.h"

namespace luksdetached::edit {

namespace {

Error memory_error(int code) {
  return {ErrorKind::io, "cannot keep a header in memory: " + errno_text(code), code};
}

void remember(int level, const char* message, void* said) {
  if (level != CRYPT_LOG_ERROR) return;
  std::string text = message;
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  *static_cast<std::string*>(said) = text;
}

void forget(int /*level*/, const char* /*message*/, void* /*nothing*/) {}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

// Argon2 beyond what a control group allows is not an error but the end of the process.
std::uint32_t memory_kib(std::uint32_t usual, const std::optional<std::uint32_t>& wanted) {
  const AvailableMemory available = available_memory();
  if (!wanted) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(usual, available.bytes / 2 / 1024));
  }
  const std::uint64_t bytes = std::uint64_t{*wanted} * 1024;
  if (bytes > available.bytes) {
    throw Error(ErrorKind::key_derivation,
                "cannot make a key slot whose key derivation needs " + mebibytes(bytes) +
                    " of memory: " + available.limited_by + " has only " +
                    mebibytes(available.bytes) + " left; ask for less with --pbkdf-memory");
  }
  return *wanted;
}

}  // namespace

MemoryFile::MemoryFile(std::span<const std::byte> image, std::uint64_t size)
    : file_(::memfd_create("luks-header", MFD_CLOEXEC)) {
  if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) throw memory_error(errno);
  std::size_t done = 0;
  while (done < image.size()) {
    const ssize_t written =
        ::pwrite(file_.get(), image.data() + done, image.size() - done, static_cast<off_t>(done));
    if (written < 0) throw memory_error(errno);
    done += static_cast<std::size_t>(written);
  }
}

std::vector<std::byte> MemoryFile::bytes() const {
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) throw memory_error(errno);
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got <= 0) throw memory_error(got == 0 ? EIO : errno);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

CryptDevice::CryptDevice(const MemoryFile& header, const std::string& data) {
  // It has keys on the heap, wiped in the end; until then no core dump may show them.
  (void)::prctl(PR_SET_DUMPABLE, 0);
  // Its locks are for devices that others see.
  (void)libcryptsetup().crypt_metadata_locking(nullptr, 0);
  // What it says of a device while it makes the handle; later the handle has its own.
  libcryptsetup().crypt_set_log_callback(nullptr, forget, nullptr);
  crypt_device* device = nullptr;
  const std::string path = header.path();
  const int result =
      data.empty() ? libcryptsetup().crypt_init(&device, path.c_str())
                   : libcryptsetup().crypt_init_data_device(&device, path.c_str(), data.c_str());
  if (result < 0) throw memory_error(-result);
  device_.reset(device);
  libcryptsetup().crypt_set_log_callback(device, remember, said_.get());
  libcryptsetup().crypt_set_rng_type(device, CRYPT_RNG_URANDOM);
}

int CryptDevice::check(int result, const std::string& doing, ErrorKind kind) const {
  if (result >= 0) return result;
  throw Error(kind, "cannot " + doing + ": " + (said_->empty() ? errno_text(-result) : *said_));
}

void CryptDevice::choose_kdf(const KdfChoice& choice, unsigned version,
                             const std::string& hash) const {
  const crypt_pbkdf_type* const usual =
      libcryptsetup().crypt_get_pbkdf_default(version == 1 ? CRYPT_LUKS1 : CRYPT_LUKS2);
  const std::string type = choice.type.empty() ? usual->type : choice.type;
  const std::string its_hash = version == 1          ? hash
                               : choice.hash.empty() ? usual->hash
                                                     : choice.hash;
  const bool argon2 = type != CRYPT_KDF_PBKDF2;
  if (!argon2 && (choice.memory_kib || choice.lanes)) {
    throw Error(ErrorKind::usage,
                "--pbkdf-memory and --pbkdf-parallel are about Argon2; this key slot has pbkdf2");
  }
  if (version == 1 && (argon2 || (!choice.hash.empty() && choice.hash != hash))) {
    throw Error(ErrorKind::usage, "the key slots of this LUKS1 header have pbkdf2 with " + hash +
                                      " and nothing else");
  }
  if (choice.iterations && choice.milliseconds) {
    throw Error(ErrorKind::usage,
                "--iter-time measures how many iterations there shall be, and "
                "--pbkdf-force-iterations says it: give one of them");
  }
  crypt_pbkdf_type kdf = {};
  kdf.type = type.c_str();
  kdf.hash = its_hash.c_str();
  kdf.time_ms = choice.milliseconds.value_or(usual->time_ms);
  if (argon2) {
    const crypt_pbkdf_type* const usual_argon2 =
        libcryptsetup().crypt_get_pbkdf_default(CRYPT_LUKS2);
    kdf.max_memory_kb = memory_kib(usual_argon2->max_memory_kb, choice.memory_kib);
    kdf.parallel_threads = choice.lanes.value_or(usual_argon2->parallel_threads);
  }
  if (choice.iterations) {
    kdf.iterations = *choice.iterations;
    kdf.time_ms = 0;
    kdf.flags = CRYPT_PBKDF_NO_BENCHMARK;
  }
  check(libcryptsetup().crypt_set_pbkdf_type(get(), &kdf), "derive the key of a key slot so");
}

std::uint32_t CryptDevice::iterations(std::size_t key_bytes) const {
  crypt_pbkdf_type kdf = *libcryptsetup().crypt_get_pbkdf_type(get());
  if ((kdf.flags & CRYPT_PBKDF_NO_BENCHMARK) != 0) return kdf.iterations;
  // Any passphrase and any salt of the usual length.
  constexpr std::string_view salt = "0123456789abcdef0123456789abcdef";
  check(libcryptsetup().crypt_benchmark_pbkdf(get(), &kdf, "passphrase", 10, salt.data(),
                                              salt.size(), key_bytes, nullptr, nullptr),
        "measure the key derivation");
  return kdf.iterations;
}

}  // namespace luksdetached::edit
