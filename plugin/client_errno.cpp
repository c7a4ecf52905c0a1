#include "client_errno.h"

#include <cerrno>

namespace luksdetached {

int client_errno(int code) noexcept {
  switch (code) {
    case EPERM:
    case EROFS:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ESHUTDOWN:
      return code;
    default:
      return EIO;
  }
}

}  // namespace luksdetached
