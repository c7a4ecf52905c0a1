// The one exception type of the library, and the classes of failure that users tell apart.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace luksdetached {

/// What kind of failure it was. Each has a message of its own; callers that need an exit status or
/// an NBD error derive it from this.
enum class ErrorKind {
  usage,               ///< a parameter is missing, unknown, repeated or impossible
  source_unreachable,  ///< the header, payload or secret could not be opened or reached
  not_luks,            ///< there is no LUKS header at all where one was expected
  header_damaged,      ///< a LUKS header that is truncated, corrupted or contradicts itself
  unsupported,         ///< a valid header that asks for something this version does not have
  policy,              ///< possible, but refused for safety
  wrong_secret,        ///< the secret opens no key slot
  key_derivation,      ///< key derivation is over its limit or out of memory
  payload_too_small,   ///< the payload has no whole sector after its offset
  payload_in_use,      ///< another writer holds the payload
  io,                  ///< reading or writing failed while serving
};

/// The kind's name as it is above, for machines to read: "wrong_secret".
std::string_view kind_word(ErrorKind kind) noexcept;

/// A failure with a sentence for the user and an errno for the NBD client.
///
/// The sentence says what was being done, to what (URIs redacted), what was wrong and what to do;
/// it never holds secret or key bytes.
class Error : public std::runtime_error {
 public:
  /// `errno_code` is what an NBD client or a C caller is told; it must not be 0.
  Error(ErrorKind kind, const std::string& message, int errno_code);
  /// The same, with the errno that fits the kind (EACCES for a wrong secret, EIO for I/O, …).
  Error(ErrorKind kind, const std::string& message);

  ErrorKind kind() const noexcept { return kind_; }
  int errno_code() const noexcept { return errno_; }

 private:
  ErrorKind kind_;
  int errno_;
};

/// The system's words for `errno_code`, such as "No such file or directory". Thread-safe.
std::string errno_text(int errno_code);

}  // namespace luksdetached
