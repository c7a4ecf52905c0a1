// The text of a config file, and what is said of it.
#include "config/service_config.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "source/uri.h"

namespace {

using namespace luksdetached;

void check(bool holds) {
  if (!holds) std::abort();
}

// Each place is in the file, or just behind what is there of it; each message is a line for people.
void check_mistakes(const ConfigError& error, std::string_view text) {
  const auto lines = 1 + std::ranges::count(text, '\n');
  check(error.what() != nullptr && *error.what() != '\0');
  for (const ConfigMistake& mistake : error.mistakes()) {
    check(mistake.line >= 1 && mistake.line <= lines);
    std::size_t begin = 0;
    for (unsigned line = 1; line < mistake.line; ++line) begin = text.find('\n', begin) + 1;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    check(mistake.column >= 1 && mistake.column <= end - begin + 1);
    check(!mistake.message.empty() && std::ranges::none_of(mistake.message, [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    }));
  }
}

// What every config that is good holds to.
void check_config(const ServiceConfig& config) {
  check(!config.exports.empty());
  std::set<std::string> names;
  std::set<std::string> written;
  for (const NamedExport& one : config.exports) {
    check(!one.name.empty() && one.name.size() <= 255 && names.insert(one.name).second);
    check(!one.options.headers.empty() && !one.options.payload.empty());
    const bool unlocks = !one.options.secrets.empty() || !one.options.passphrases.empty();
    check(unlocks != one.options.volume_key.has_value());
    if (!one.options.readonly) check(written.insert(parse_uri(one.options.payload).place).second);
    for (const SecretFrom& from : one.options.secrets) {
      check(from.kind != SecretFrom::Kind::descriptor &&
            from.kind != SecretFrom::Kind::standard_input);
    }
    for (const PassphraseFrom& from : one.options.passphrases) {
      check(from.kind == PassphraseFrom::Kind::file);
    }
  }
  check(names.contains(config.default_export));
}

// All that is said of a text: its mistakes, or nothing when it is good.
std::optional<std::string> parse(std::string_view text, ServiceConfig& config) {
  try {
    config = parse_config(text, "F", [](std::string_view uri) { return parse_uri(uri).place; });
    check_config(config);
    return std::nullopt;
  } catch (const ConfigError& error) {
    check_mistakes(error, text);
    return error.what();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ServiceConfig once, again;
  check(parse(text, once) == parse(text, again));
  check(fixed_differences(once, again).empty() && once.default_export == again.default_export);
  check(std::ranges::equal(once.exports, again.exports, [](const auto& a, const auto& b) {
    return a.name == b.name && a.options == b.options;
  }));
  return 0;
}
