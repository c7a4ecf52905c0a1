#include "print_json.h"

#include <cstdio>
#include <string>

namespace luksdetached {

using nlohmann::ordered_json;

void print_json(const ordered_json& value) {
  // A path may hold bytes that are not UTF-8.
  const std::string text = value.dump(2, ' ', true, ordered_json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

ordered_json error_json(const Error& error) {
  return {{"kind", kind_word(error.kind())}, {"message", error.what()}};
}

}  // namespace luksdetached
