#include "base/shared_library.h"

#include <dlfcn.h>

#include "base/error.h"

namespace luksdetached {

SharedLibrary::SharedLibrary(const char* soname, const char* package)
    : soname_(soname), package_(package), handle_(::dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) fail();
}

SharedLibrary::Function SharedLibrary::find(const char* name) const {
  void* const address = ::dlsym(handle_, name);
  if (address == nullptr) fail();
  return Function(address);
}

void SharedLibrary::fail() const {
  const char* const reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): each thread has its own
  throw Error(ErrorKind::source_unreachable,
              std::string("cannot load the library ") + soname_ + ": " +
                  (reason == nullptr ? "a function of it is nowhere" : reason) +
                  "; it is in Debian's package " + package_);
}

}  // namespace luksdetached
