#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace luksdetached {

namespace {

int default_errno(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::not_luks:
    case ErrorKind::header_damaged:
      return EINVAL;
    case ErrorKind::unsupported:
      return ENOTSUP;
    case ErrorKind::policy:
      return EPERM;
    case ErrorKind::wrong_secret:
      return EACCES;
    case ErrorKind::key_derivation:
      return ENOMEM;
    case ErrorKind::payload_in_use:
      return EBUSY;
    case ErrorKind::payload_too_small:
      return ENOSPC;
    case ErrorKind::source_unreachable:
    case ErrorKind::io:
      return EIO;
  }
  return EIO;
}

}  // namespace

std::string_view kind_word(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::source_unreachable:
      return "source_unreachable";
    case ErrorKind::not_luks:
      return "not_luks";
    case ErrorKind::header_damaged:
      return "header_damaged";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::policy:
      return "policy";
    case ErrorKind::wrong_secret:
      return "wrong_secret";
    case ErrorKind::key_derivation:
      return "key_derivation";
    case ErrorKind::payload_too_small:
      return "payload_too_small";
    case ErrorKind::payload_in_use:
      return "payload_in_use";
    case ErrorKind::io:
      return "io";
  }
  return "";
}

Error::Error(ErrorKind kind, const std::string& message, int errno_code)
    : std::runtime_error(message), kind_(kind), errno_(errno_code) {}

Error::Error(ErrorKind kind, const std::string& message)
    : Error(kind, message, default_errno(kind)) {}

std::string errno_text(int errno_code) {
  return std::error_code(errno_code, std::generic_category()).message();
}

}  // namespace luksdetached
