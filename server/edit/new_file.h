// A file that is there as a whole or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/file_descriptor.h"
#include "base/signals.h"

namespace luksdetached::edit {

/// Whom a file belongs to and who may do what with it.
struct Ownership {
  uid_t user;
  gid_t group;
  mode_t mode;
};

/// What happens to a file of the same name.
enum class Existing {
  refused,   ///< it stays, and there is an error
  replaced,  ///< it goes when the new one is there
};

/// Renames `from`, in the same folder as `to`, for good when this returns. Throws Error(io).
void give_name(const std::string& from, const std::string& to, Existing existing);

/// Brings the names in the folder of `path` to stable storage. Throws Error(io).
void sync_folder_of(const std::string& path);

/// A file that is being made, under a name of its own beside the one that it shall have. When it
/// goes out of scope before `publish`, nothing is left; a signal that would end the process in
/// between ends it then.
class NewFile {
 public:
  /// For the caller alone (mode 0600). Throws Error when the folder takes no file.
  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Gives it `bytes`, brings them to stable storage, and compares what is read back from there.
  /// Throws Error(io).
  void write(std::span<const std::byte> bytes);

  /// Makes it `bytes` long, without storage for them. Throws Error(io).
  void resize(std::uint64_t bytes);

  /// Throws Error(policy) when it cannot be done.
  void give_to(const Ownership& ownership);

  /// Gives it its name, for good when this returns. Throws Error.
  void publish(Existing existing);

 private:
  [[noreturn]] void fail(const std::string& doing, int code) const;

  NoSignals until_it_has_its_name_;
  std::string path_;
  std::string temporary_;
  FileDescriptor file_;
  bool published_ = false;
};

}  // namespace luksdetached::edit
