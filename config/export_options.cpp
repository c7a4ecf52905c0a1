#include "config/export_options.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/option_text.h"
#include "config/secret_option.h"

namespace luksdetached {

namespace {

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

template <typename Number>
Number parse_number(std::string_view key, std::string_view value, Number least, Number most) {
  Number number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < least ||
      number > most) {
    throw OptionError(option_text(key, value) + ": expected a number from " +
                      std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

bool parse_bool(std::string_view key, std::string_view value) {
  for (std::string_view word : {"true", "yes", "on", "1"}) {
    if (value == word) return true;
  }
  for (std::string_view word : {"false", "no", "off", "0"}) {
    if (value == word) return false;
  }
  throw OptionError(option_text(key, value) + ": expected true or false");
}

bool parse_descriptor(std::string_view text, int& descriptor) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), descriptor);
  return error == std::errc{} && end == text.data() + text.size() && descriptor >= 0;
}

PassphraseFrom parse_passphrase(std::string_view key, std::string_view value) {
  PassphraseFrom from;
  if (value == "-") {
    from.kind = PassphraseFrom::Kind::standard_input;
  } else if (value.starts_with("+") && value.size() > 1) {
    from.kind = PassphraseFrom::Kind::file;
    from.path = value.substr(1);
  } else if (value.starts_with("-") && parse_descriptor(value.substr(1), from.descriptor)) {
    from.kind = PassphraseFrom::Kind::descriptor;
  } else {
    // The value itself must not be repeated: it may well be the passphrase.
    throw OptionError(
        option_text(key) +
        " takes +FILE, - (standard input) or -FD (a file descriptor); a passphrase "
        "itself is refused, because others can read it on the command line or in a config file");
  }
  return from;
}

std::string non_empty(std::string_view key, std::string_view value) {
  if (value.empty()) throw OptionError(option_text(key) + " is empty");
  return std::string(value);
}

// In lower case, as it is compared.
std::string parse_sha256(std::string_view key, std::string_view value) {
  std::string digits(value);
  std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw OptionError(option_text(key, value) +
                      ": expected 64 hexadecimal digits, as sha256sum prints them");
  }
  return digits;
}

// One parameter: its type, and how its value gets into the options.
struct Option {
  std::string_view name;
  OptionType type;
  bool repeats;
  void (*set)(ExportOptions& options, std::string_view key, std::string_view value);
};

constexpr Option option_table[] = {
    {"header", OptionType::text, true,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.headers.push_back(non_empty(key, value));
     }},
    {"payload", OptionType::text, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.payload = non_empty(key, value);
     }},
    {"secret", OptionType::text, true,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.secrets.push_back(parse_secret(key, value));
     }},
    {"volume-key", OptionType::text, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.volume_key = parse_secret(key, value);
       if (options.volume_key->kind == SecretFrom::Kind::tokens) {
         throw OptionError(option_text(key, value) +
                           " is impossible: a token yields the secret of a key slot, which is " +
                           option_text("secret", value));
       }
     }},
    {"secret-offset", OptionType::size, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.secret_offset = parse_size(key, value);
     }},
    {"secret-size", OptionType::size, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.secret_size = parse_size(key, value);
       if (*options.secret_size == 0)
         throw OptionError(option_text(key, value) + ": there is no empty secret");
     }},
    {"passphrase", OptionType::text, true,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.passphrases.push_back(parse_passphrase(key, value));
     }},
    {"keyslot", OptionType::number, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.keyslot = parse_number(key, value, 0U, 31U);
     }},
    {"payload-offset", OptionType::size, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.payload_offset = parse_size(key, value);
       if (*options.payload_offset % 512 != 0) {
         throw OptionError(option_text(key, value) + ": must be a multiple of 512");
       }
     }},
    {"kdf-memory-max", OptionType::size, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.kdf_memory_max = parse_size(key, value);
     }},
    {"kdf-iterations-max", OptionType::number, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.kdf_iterations_max =
           parse_number<std::uint32_t>(key, value, 1, std::numeric_limits<std::uint32_t>::max());
     }},
    {"require-luks", OptionType::number, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.require_luks = parse_number(key, value, 1U, 2U);
     }},
    {"require-uuid", OptionType::text, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.require_uuid = non_empty(key, value);
     }},
    {"require-cipher", OptionType::text, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.require_cipher = non_empty(key, value);
     }},
    {"header-sha256", OptionType::text, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.header_sha256 = parse_sha256(key, value);
     }},
    {"reconnect-timeout", OptionType::number, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.reconnect_timeout = std::chrono::seconds(parse_number(key, value, 0U, 86400U));
     }},
    {"discard", OptionType::boolean, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.discard = parse_bool(key, value);
     }},
    {"lock", OptionType::boolean, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.lock = parse_bool(key, value);
     }},
    {"readonly", OptionType::boolean, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.readonly = parse_bool(key, value);
     }},
    {"insecure", OptionType::boolean, false,
     [](ExportOptions& options, std::string_view key, std::string_view value) {
       options.insecure = parse_bool(key, value);
     }},
};

const Option* find_option(std::string_view key) {
  const auto* const found = std::find_if(std::begin(option_table), std::end(option_table),
                                         [&](const Option& option) { return option.name == key; });
  return found == std::end(option_table) ? nullptr : found;
}

}  // namespace

std::vector<std::string_view> option_names() {
  std::vector<std::string_view> names;
  for (const Option& option : option_table) names.push_back(option.name);
  return names;
}

std::optional<OptionType> option_type(std::string_view key) {
  const Option* option = find_option(key);
  if (option == nullptr) return std::nullopt;
  return option->type;
}

bool option_repeats(std::string_view key) {
  const Option* option = find_option(key);
  return option != nullptr && option->repeats;
}

bool reads_standard_input(const ExportOptions& options) {
  const auto reads = [](const auto& from) { return descriptor_of(from) == 0; };
  return std::any_of(options.secrets.begin(), options.secrets.end(), reads) ||
         std::any_of(options.passphrases.begin(), options.passphrases.end(), reads) ||
         (options.volume_key && reads(*options.volume_key));
}

std::uint64_t parse_size(std::string_view key, std::string_view value) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t factor = 1;
  std::string_view digits = value;
  if (!value.empty()) {
    constexpr std::pair<std::string_view, std::uint64_t> suffixes[] = {
        {"b", 1},
        {"s", 512},
        {"kK", std::uint64_t{1} << 10},
        {"mM", std::uint64_t{1} << 20},
        {"gG", std::uint64_t{1} << 30},
        {"tT", std::uint64_t{1} << 40},
        {"pP", std::uint64_t{1} << 50},
        {"eE", std::uint64_t{1} << 60},
    };
    for (const auto& [letters, bytes] : suffixes) {
      if (letters.find(value.back()) == std::string_view::npos) continue;
      factor = bytes;
      digits.remove_suffix(1);
      break;
    }
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number > most / factor) {
    throw OptionError(option_text(key, value) +
                      ": expected a size in bytes below 2^63, such as 1048576, 1M or 2048s");
  }
  return number * factor;
}

void OptionParser::note(std::string_view key, bool repeats) {
  const bool repeated = std::find(seen_.begin(), seen_.end(), key) != seen_.end();
  if (repeated && !repeats) {
    throw OptionError(option_text(prefix_ + std::string(key)) + " is given more than once");
  }
  seen_.emplace_back(key);
}

void OptionParser::set(std::string_view key, std::string_view value) {
  const Option* option = find_option(key);
  if (option == nullptr) {
    throw OptionError("unknown parameter " + quoted(key) +
                      "; nbdkit luksdetached --help lists the parameters");
  }
  note(key, option->repeats);
  option->set(options_, prefix_ + std::string(key), value);
}

void OptionParser::set_program(std::string_view key, const std::vector<std::string>& words) {
  SecretFrom program = parse_secret_program(key, words);
  note(key, option_repeats(key));
  if (key == "volume-key") {
    options_.volume_key = std::move(program);
  } else {
    options_.secrets.push_back(std::move(program));
  }
}

ExportOptions OptionParser::finish(Purpose purpose) {
  if (options_.headers.empty() && purpose != Purpose::new_secret)
    throw OptionError(option_text("header", "URI") + " is missing: where is the LUKS header?");
  if (purpose == Purpose::serve && options_.payload.empty()) {
    throw OptionError(option_text("payload", "URI") +
                      " is missing: where are the encrypted sectors?");
  }
  const bool has_secret = !options_.secrets.empty() || !options_.passphrases.empty();
  if (purpose != Purpose::inspect && !has_secret && !options_.volume_key) {
    throw OptionError(option_text("secret", "SECRET") + ", " + option_text("passphrase", "+FILE") +
                      " or " + option_text("volume-key", "SECRET") +
                      " is missing: what unlocks the volume?");
  }
  if (options_.volume_key && has_secret) {
    throw OptionError(option_text("volume-key") + " takes the place of " + option_text("secret") +
                      " and " + option_text("passphrase") + ", which cannot be given too");
  }
  if (options_.volume_key && options_.keyslot) {
    throw OptionError(option_text("keyslot") + " is about secrets: " + option_text("volume-key") +
                      " needs no key slot");
  }
  const bool secret_range = options_.secret_offset != 0 || options_.secret_size.has_value();
  if (options_.secrets.empty() && secret_range) {
    throw OptionError(option_text(prefix_ + "secret-offset") + " and " +
                      option_text(prefix_ + "secret-size") + " are about " +
                      option_text(prefix_ + "secret") + ", which is not given");
  }
  check_descriptors(options_);
  return std::move(options_);
}

}  // namespace luksdetached
