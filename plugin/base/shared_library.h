// Libraries that are loaded when they are first needed: what needs none of them starts sooner, and
// serves for weeks in less memory.
#pragma once

#include <string>

namespace luksdetached {

/// A shared library, from now until the process ends.
class SharedLibrary {
 public:
  /// A function of whatever type it is given to.
  class Function {
   public:
    explicit Function(void* address) : address_(address) {}

    template <typename Type>
    operator Type*() const {
      return reinterpret_cast<Type*>(address_);
    }

   private:
    void* address_;
  };

  /// Loads it as the dynamic linker would at the start; `soname` as in "libnbd.so.0", which is in
  /// Debian's `package`. Throws Error(source_unreachable) with the linker's reason.
  SharedLibrary(const char* soname, const char* package);

  /// Throws Error(source_unreachable) when it has no such function.
  Function find(const char* name) const;

 private:
  [[noreturn]] void fail() const;

  const char* soname_;
  const char* package_;
  void* handle_;
};

}  // namespace luksdetached

/// A member of a structure that has a SharedLibrary, `library`: its function `name`, as a header
/// declares it.
#define LUKSDETACHED_FUNCTION(name) \
  decltype(&::name) name = library.find(#name)  // NOLINT(bugprone-macro-parentheses): a name
