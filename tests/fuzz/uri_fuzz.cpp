// The text of a URI, and what a child server would be started with for it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "fuzz.h"
#include "source/child_command.h"
#include "source/uri.h"

namespace {

using namespace luksdetached;

constexpr std::size_t longest = 256;  // escaped, it still fits into a message

void check(bool holds) {
  if (!holds) std::abort();
}

// What execve and nbdkit can be given whole.
void check_command(const Uri& uri, bool insecure) {
  const ChildServerCommand command = child_server_command(uri, Access::read_write, insecure, 4);
  check(command.arguments.size() > 2 && !command.package.empty());
  for (const std::string& argument : command.arguments) {
    check(!argument.empty() && argument.find('\0') == std::string::npos);
  }
  for (const std::string& credential : command.credentials) {
    check(credential.find('\n') == std::string::npos && credential.find('\0') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > longest) return -1;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Uri uri = parse_uri(text);
    check(!uri.name.empty() && uri.name == escape_control(uri.name));
    check(uri.place == parse_uri(text).place);
    // Nothing of the text is left of a message that repeats it, where it may hold a credential.
    if (!uri.hidden.empty()) check(scrub(uri, uri.text) == "…");
    for (const bool insecure : {false, true}) {
      if (uri.scheme == Scheme::child) check_command(uri, insecure);
    }
  } catch (const Error& error) {
    fuzz::check_message(error);
  }
  return 0;
}
