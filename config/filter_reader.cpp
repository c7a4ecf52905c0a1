// `filters` and `filter-parameters` of [service].
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config_readers.h"

namespace luksdetached {

namespace {

// A filter that would break what a service promises, and how.
struct Refused {
  std::string_view name;
  const char* reason;
};

constexpr const char* one_file_of_plain_data =
    "it keeps decrypted data in one file on disk for all exports together, and mixes them up";
constexpr const char* repeats_flushes =
    "it repeats a flush that failed, and the second one succeeds although data was lost";

constexpr const char* ends_the_service =
    "older versions of it end nbdkit, with all exports, when a client asks for holes in a certain "
    "way";
constexpr const char* one_volume = "it is for what is inside of one volume, and a service has many";

constexpr std::array<Refused, 19> refused_filters{{
    {"blocksize", ends_the_service},
    {"bzip2", one_file_of_plain_data},
    {"cache", one_file_of_plain_data},
    {"cacheextents", "what it remembers of one export it tells of the others"},
    {"cow", one_file_of_plain_data},
    {"ext2", one_volume},
    {"exportname", "names and who may open them are what [[export]] says"},
    {"extentlist", one_volume},
    {"gzip", one_file_of_plain_data},
    {"luks", "its passphrase would be on nbdkit's command line, which every user can read"},
    {"lzip", one_file_of_plain_data},
    {"offset", one_volume},
    {"partition", one_volume},
    {"retry", repeats_flushes},
    {"retry-request", repeats_flushes},
    {"tar", one_volume},
    {"tls-fallback",
     "it lets clients in that do not use TLS; tls = \"on\" does, where that is safe"},
    {"truncate", ends_the_service},
    {"xz", one_file_of_plain_data},
}};

bool is_small_letter(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_letter(char c) {
  return is_small_letter(c) || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_filter_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_small_letter(c) || is_digit(c) || c == '-';
  });
}

// What nbdkit takes for the name of a parameter.
bool is_parameter_key(std::string_view key) {
  return !key.empty() && is_letter(key.front()) && std::all_of(key.begin(), key.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

class FilterReader {
 public:
  FilterReader(Section& section, ServiceConfig& config, Mistakes& mistakes)
      : section_(section), config_(config), mistakes_(mistakes) {}

  void read_names() {
    const toml::node* node = section_.take("filters");
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      section_.wrong_type("filters", *node, "an array of strings");
      return;
    }
    for (const toml::node& element : *array) {
      if (!element.is_string()) {
        section_.wrong_type("filters", element, "an array of strings");
      } else if (const auto name = section_.text_of("filters", element)) {
        add(*name, element);
      }
    }
  }

  void read_parameters() {
    const toml::node* node = section_.take("filter-parameters");
    if (node == nullptr) return;
    const toml::table* table = node->as_table();
    if (table == nullptr) {
      section_.wrong_type("filter-parameters", *node, "a table");
      return;
    }
    const toml::node* filters = section_.take("filters");
    if (filters == nullptr || (filters->is_array() && filters->as_array()->empty())) {
      mistakes_.add(node->source(), "filter-parameters in [service] needs filters");
    }
    for (const auto& [key, value] : *table) add_parameter(key, value);
  }

 private:
  void add(const std::string& name, const toml::node& node) {
    const auto* const refused = std::find_if(refused_filters.begin(), refused_filters.end(),
                                             [&](const Refused& one) { return one.name == name; });
    if (!is_filter_name(name)) {
      mistakes_.add(node.source(), "filter '" + shortened(name) +
                                       "' in [service] must be a name of small letters, digits and "
                                       "-, such as \"rate\"");
    } else if (refused != refused_filters.end()) {
      mistakes_.add(node.source(),
                    "filter '" + name + "' in [service] is refused: " + refused->reason);
    } else {
      config_.filters.push_back(name);
      need(config_, NeededFile::Kind::filter, name, "filters", node);
    }
  }

  void add_parameter(const toml::key& key, const toml::node& value) {
    if (!is_parameter_key(key.str())) {
      mistakes_.add(key.source(), "filter-parameters in [service]: '" + shortened(key.str()) +
                                      "' is no name of a parameter of nbdkit");
    } else if (key.str() == "config" || option_type(key.str())) {
      mistakes_.add(key.source(), "filter-parameters in [service]: " + std::string(key.str()) +
                                      " is the plugin's own parameter");
    } else if (key.str() == "fuamode" && value.value_or(std::string_view()) == "discard") {
      mistakes_.add(
          value.source(),
          "filter-parameters in [service]: fuamode = \"discard\" is refused: what clients "
          "were told is durable would not be");
    } else if (const auto text = text_of(value)) {
      config_.filter_parameters.emplace_back(key.str(), *text);
    }
  }

  // As nbdkit takes it.
  std::optional<std::string> text_of(const toml::node& value) {
    if (value.is_string()) return section_.text_of("filter-parameters", value);
    if (const auto number = value.value_exact<std::int64_t>()) return std::to_string(*number);
    if (const auto flag = value.value_exact<bool>()) return *flag ? "true" : "false";
    section_.wrong_type("a value of filter-parameters", value,
                        "a string, an integer or true or false");
    return std::nullopt;
  }

  Section& section_;
  ServiceConfig& config_;
  Mistakes& mistakes_;
};

}  // namespace

void read_filters(Section& section, ServiceConfig& config, Mistakes& mistakes) {
  FilterReader reader(section, config, mistakes);
  reader.read_names();
  reader.read_parameters();
}

}  // namespace luksdetached
