// [[export]]: the same options under the same names as the plugin's parameters, by the same code.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/config_readers.h"
#include "config/export_options.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_name_bytes = 255;

class ExportReader {
 public:
  ExportReader(const toml::table& table, std::size_t number, const UriReader& read_uri,
               Mistakes& mistakes)
      : section_(table, "[[export]] number " + std::to_string(number), mistakes),
        read_uri_(read_uri),
        mistakes_(mistakes) {}

  NamedExport read() {
    NamedExport result;
    result.name = read_name();
    OptionParser parser;
    bool complete = true;
    for (const std::string_view key : option_names()) {
      const toml::node* node = section_.take(key);
      if (node != nullptr && !set(parser, key, *node)) complete = false;
    }
    section_.report_unknown_keys();
    if (!has_required() || !complete) return result;
    try {
      result.options = parser.finish();
    } catch (const OptionError& error) {
      mistakes_.add(section_.where(), error.what());
    }
    return result;
  }

  /// A text that is the same for all spellings of the payload's place, once it was read.
  const std::string& payload_place() const { return payload_place_; }

  const toml::source_region& where(std::string_view key) {
    const toml::node* node = section_.take(key);
    return node == nullptr ? section_.where() : node->source();
  }

 private:
  // The parser would say the same of the first one only, and as parameters of a command.
  bool has_required() {
    bool all = true;
    for (const std::string_view key : {"header", "payload"}) {
      if (section_.take(key) != nullptr) continue;
      section_.missing(key);
      all = false;
    }
    if (section_.take("secret") == nullptr && section_.take("passphrase") == nullptr) {
      section_.missing("secret (or passphrase)");
      all = false;
    }
    return all;
  }

  std::string read_name() {
    const toml::node* node = section_.take("name");
    if (node == nullptr) {
      section_.missing("name");
      return {};
    }
    const auto name = section_.value<std::string>("name", "a string");
    if (!name) return {};
    if (name->empty() || name->size() > max_name_bytes) {
      mistakes_.add(node->source(),
                    "name must have 1 to " + std::to_string(max_name_bytes) + " bytes");
      return {};
    }
    return *name;
  }

  // Gives one value, or each of an array, to `parser`. False when there was a mistake.
  bool set(OptionParser& parser, std::string_view key, const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return set_one(parser, key, node);
    if (!option_repeats(key) && array->size() != 1) {
      mistakes_.add(node.source(),
                    std::string(key) + " takes one value, not " + std::to_string(array->size()));
      return false;
    }
    if (array->empty()) {
      mistakes_.add(node.source(), std::string(key) + " is an empty array");
      return false;
    }
    bool good = true;
    for (const toml::node& element : *array) good &= set_one(parser, key, element);
    return good;
  }

  bool set_one(OptionParser& parser, std::string_view key, const toml::node& node) {
    std::optional<std::string> text = text_of(key, node);
    if (!text) return false;
    try {
      parser.set(key, *text);
    } catch (const OptionError& error) {
      mistakes_.add(node.source(), error.what());
      return false;
    }
    if (const char* problem = path_problem(key, *text)) {
      mistakes_.add(node.source(), std::string(key) + " " + problem);
      return false;
    }
    return (key != "header" && key != "payload") || read_uri(key, *text, node);
  }

  // The value as the plugin's parameter of the same name would have it.
  std::optional<std::string> text_of(std::string_view key, const toml::node& node) {
    auto text = section_.text_of(key, node);
    const auto number = node.value_exact<std::int64_t>();
    const auto boolean = node.value_exact<bool>();
    switch (*option_type(key)) {
      case OptionType::text:
        if (text) return text;
        if (!node.is_string()) section_.wrong_type(key, node, "a string");
        break;
      case OptionType::size:
        if (text) return text;
        if (number) return std::to_string(*number);
        if (!node.is_string())
          section_.wrong_type(key, node, "an integer or a string such as \"16M\"");
        break;
      case OptionType::number:
        if (number) return std::to_string(*number);
        section_.wrong_type(key, node, "an integer");
        break;
      case OptionType::boolean:
        if (boolean) return *boolean ? "true" : "false";
        section_.wrong_type(key, node, "true or false");
        break;
    }
    return std::nullopt;
  }

  bool read_uri(std::string_view key, const std::string& uri, const toml::node& node) {
    try {
      std::string place = read_uri_(uri);
      if (key == "payload") payload_place_ = std::move(place);
      return true;
    } catch (const std::exception& error) {
      mistakes_.add(node.source(), std::string(key) + ": " + error.what());
      return false;
    }
  }

  // A service has no working directory and no terminal that its user knows of.
  static const char* path_problem(std::string_view key, std::string_view text) {
    if (key == "passphrase") {
      if (text.starts_with('-')) return "must be +/PATH: a service has no standard input to read";
      if (text.starts_with('+') && !is_absolute(text.substr(1))) {
        return "must be an absolute path after the +";
      }
    } else if (key == "secret") {
      if (!is_absolute(text)) return "must be an absolute path";
    } else if (key == "header" || key == "payload") {
      const bool has_scheme = text.find(":/") < text.find('/');
      if (!has_scheme && !is_absolute(text)) return "must be an absolute path or a URI";
    }
    return nullptr;
  }

  Section section_;
  const UriReader& read_uri_;
  Mistakes& mistakes_;
  std::string payload_place_;
};

}  // namespace

void read_exports(const toml::node& node, const UriReader& read_uri, ServiceConfig& config,
                  Mistakes& mistakes) {
  const toml::array* array = node.as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    mistakes.add(node.source(), "export must be written [[export]], with two brackets");
    return;
  }
  std::map<std::string, std::string> writers;  // place of the payload to export name
  std::set<std::string> names;
  std::size_t number = 0;
  for (const toml::node& element : *array) {
    ExportReader reader(*element.as_table(), ++number, read_uri, mistakes);
    NamedExport next = reader.read();
    if (!next.name.empty() && !names.insert(next.name).second) {
      mistakes.add(reader.where("name"),
                   "the name '" + shortened(next.name) + "' is used by another export");
    }
    if (!reader.payload_place().empty() && !next.options.readonly) {
      const auto [other, first] = writers.emplace(reader.payload_place(), next.name);
      if (!first) {
        mistakes.add(reader.where("payload"),
                     "the export '" + shortened(other->second) +
                         "' writes the same payload; make one of them readonly");
      }
    }
    config.exports.push_back(std::move(next));
  }
}

}  // namespace luksdetached
