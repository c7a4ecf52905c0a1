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

Error::Error(ErrorKind kind, const std::string& message, int errno_code)
    : std::runtime_error(message), kind_(kind), errno_(errno_code) {}

Error::Error(ErrorKind kind, const std::string& message)
    : Error(kind, message, default_errno(kind)) {}

std::string errno_text(int errno_code) {
  return std::error_code(errno_code, std::generic_category()).message();
}

}  // namespace luksdetached
