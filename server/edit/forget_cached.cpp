#include "forget_cached.h"

#include <fcntl.h>

#include "base/file_descriptor.h"
#include "source/uri.h"

namespace luksdetached::edit {

void forget_cached(const std::string& uri) {
  const Uri parsed = parse_uri(uri);
  if (parsed.scheme != Scheme::path) return;
  const FileDescriptor file(::open(parsed.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file) (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace luksdetached::edit
