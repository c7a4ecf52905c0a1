#include "config/secret_option.h"

#include <charconv>
#include <map>

#include "base/option_text.h"

namespace luksdetached {

namespace {

constexpr int standard_input = 0;

// What follows `prefix` in `text`; sets `rest` only then.
bool split(std::string_view text, std::string_view prefix, std::string_view& rest) {
  if (!text.starts_with(prefix)) return false;
  rest = text.substr(prefix.size());
  return true;
}

// Every kind but a file is told by how it begins, so a file of such a name needs another spelling.
OptionError mistake(std::string_view key, std::string_view value, const std::string& what) {
  return OptionError(option_text(key, value) + ": " + what + " (a file of that name is written ./" +
                     std::string(value) + ")");
}

int parse_descriptor(std::string_view key, std::string_view value, std::string_view number) {
  int descriptor = -1;
  const char* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, descriptor);
  if (error != std::errc{} || end != last || descriptor < 0) {
    throw mistake(key, value, "expected the number of a file descriptor, such as fd:3");
  }
  return descriptor;
}

void check_credential(std::string_view key, std::string_view value, std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) {
    throw mistake(key, value,
                  "expected the name of a file in $CREDENTIALS_DIRECTORY, without a folder");
  }
}

std::string name_of(int descriptor) {
  return descriptor == standard_input ? "standard input"
                                      : "file descriptor " + std::to_string(descriptor);
}

}  // namespace

SecretFrom parse_secret(std::string_view key, std::string_view value) {
  using Kind = SecretFrom::Kind;
  if (value.empty()) throw OptionError(option_text(key) + " is empty");
  std::string_view rest;
  if (value == "-") return {.kind = Kind::standard_input};
  if (split(value, "fd:", rest)) {
    return {.kind = Kind::descriptor, .descriptor = parse_descriptor(key, value, rest)};
  }
  if (split(value, "credential:", rest)) {
    check_credential(key, value, rest);
    return {.kind = Kind::credential, .credential = std::string(rest)};
  }
  if (split(value, "exec:", rest)) {
    if (rest.find('/') == std::string_view::npos) {
      throw mistake(key, value,
                    "expected the path of a program, such as exec:/usr/bin/ask or exec:./ask: it "
                    "is not looked for in PATH");
    }
    return {.kind = Kind::program, .path = std::string(rest)};
  }
  if (split(value, "token:", rest)) {
    if (!rest.empty()) {
      throw mistake(key, value,
                    "nothing comes after token:, every token is tried (" +
                        option_text("keyslot", "N") + " tries those of one key slot)");
    }
    return {.kind = Kind::tokens};
  }
  return {.path = std::string(value)};
}

SecretFrom parse_secret_program(std::string_view key, const std::vector<std::string>& words) {
  SecretFrom from = parse_secret(key, words.front());
  if (from.kind != SecretFrom::Kind::program) {
    throw OptionError(std::string(key) + " has an array that does not begin with \"exec:PATH\"");
  }
  from.arguments.assign(words.begin() + 1, words.end());
  return from;
}

int descriptor_of(const SecretFrom& from) {
  return from.kind == SecretFrom::Kind::standard_input ? standard_input : from.descriptor;
}

int descriptor_of(const PassphraseFrom& from) {
  return from.kind == PassphraseFrom::Kind::standard_input ? standard_input : from.descriptor;
}

void check_descriptors(const ExportOptions& options) {
  std::map<int, int> readers;
  for (const SecretFrom& from : options.secrets) ++readers[descriptor_of(from)];
  for (const PassphraseFrom& from : options.passphrases) ++readers[descriptor_of(from)];
  for (const SecretFrom& from : options.secrets) {
    const int descriptor = descriptor_of(from);
    if (descriptor < 0 || readers[descriptor] == 1) continue;
    throw OptionError("a secret reads " + name_of(descriptor) +
                      " to its end, so nothing else can be read from it");
  }
}

}  // namespace luksdetached
