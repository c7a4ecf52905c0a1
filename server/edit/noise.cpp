#include "noise.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace luksdetached::edit {

void fill_with_noise(std::span<std::byte> bytes) {
  constexpr std::size_t at_once = 256;  // the kernel gives so many whole
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), std::min(bytes.size(), at_once), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorKind::io, "cannot get random bytes: " + errno_text(errno), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace luksdetached::edit
