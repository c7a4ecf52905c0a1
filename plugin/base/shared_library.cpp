#include "base/shared_library.h"

#include <dlfcn.h>

#include "base/error.h"

namespace luksdetached {

namespace {

// The linker's reason names the library or function.
[[noreturn]] void fail() {
  const char* const reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): each thread has its own
  throw Error(ErrorKind::source_unreachable, std::string("cannot load a library: ") + reason);
}

}  // namespace

SharedLibrary::SharedLibrary(const char* soname)
    : handle_(::dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) fail();
}

SharedLibrary::Function SharedLibrary::find(const char* name) const {
  void* const address = ::dlsym(handle_, name);
  if (address == nullptr) fail();
  return Function(address);
}

}  // namespace luksdetached
