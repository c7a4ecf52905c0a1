// [[export]]: the same options under the same names as the plugin's parameters, by the same code.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config_readers.h"
#include "config/export_options.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_name_bytes = 255;

class ExportReader {
 public:
  ExportReader(const toml::table& table, std::size_t number, const UriReader& read_uri,
               ServiceConfig& config, Mistakes& mistakes)
      : section_(table, "[[export]] number " + std::to_string(number), mistakes),
        read_uri_(read_uri),
        config_(config),
        mistakes_(mistakes) {}

  NamedExport read() {
    NamedExport result;
    result.name = read_name();
    result.rules = read_export_rules(section_, config_, mistakes_);
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
    if (section_.take("secret") == nullptr && section_.take("passphrase") == nullptr &&
        section_.take("volume-key") == nullptr) {
      section_.missing("secret (or passphrase, or volume-key)");
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
    if (is_secret(key) && begins_with_program(*array)) return set_program(parser, key, *array);
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
    for (const toml::node& element : *array) {
      const toml::array* program = element.as_array();
      good &= is_secret(key) && program != nullptr ? set_program(parser, key, *program)
                                                   : set_one(parser, key, element);
    }
    return good;
  }

  static bool is_secret(std::string_view key) { return key == "secret" || key == "volume-key"; }

  static bool begins_with_program(const toml::array& array) {
    const toml::node* first = array.get(0);
    const auto text = first == nullptr ? std::nullopt : first->value_exact<std::string_view>();
    return text && text->starts_with("exec:");
  }

  // A program and its arguments.
  bool set_program(OptionParser& parser, std::string_view key, const toml::array& array) {
    if (!begins_with_program(array)) {
      mistakes_.add(array.source(), std::string(key) +
                                        ": an array in the array is a program with arguments, "
                                        "[\"exec:/PATH\", \"ARGUMENT\", ...]");
      return false;
    }
    std::vector<std::string> words;
    for (const toml::node& element : array) {
      const auto text = section_.text_of(key, element);
      if (text) {
        words.push_back(*text);
      } else {
        if (!element.is_string()) section_.wrong_type(key, element, "a string");
        return false;
      }
    }
    return tried(*array.get(0), [&] { parser.set_program(key, words); }) &&
           has_good_path(key, words.front(), *array.get(0));
  }

  bool set_one(OptionParser& parser, std::string_view key, const toml::node& node) {
    std::optional<std::string> text = text_of(key, node);
    if (!text || !tried(node, [&] { parser.set(key, *text); }) ||
        !has_good_path(key, *text, node)) {
      return false;
    }
    return (key != "header" && key != "payload") || read_uri(key, *text, node);
  }

  // Does `take` accept the value at `node`?
  bool tried(const toml::node& node, const std::function<void()>& take) {
    try {
      take();
      return true;
    } catch (const OptionError& error) {
      mistakes_.add(node.source(), error.what());
      return false;
    }
  }

  bool has_good_path(std::string_view key, std::string_view text, const toml::node& node) {
    const char* problem = path_problem(key, text);
    if (problem != nullptr) mistakes_.add(node.source(), std::string(key) + " " + problem);
    return problem == nullptr;
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
      if (text.starts_with('-')) {
        return "must be +/PATH: a service has no standard input and no open files to read";
      }
      if (text.starts_with('+') && !is_absolute(text.substr(1))) {
        return "must be an absolute path after the +";
      }
    } else if (is_secret(key)) {
      return secret_problem(text);
    } else if (key == "header" || key == "payload") {
      return uri_problem(text);
    }
    return nullptr;
  }

  static const char* uri_problem(std::string_view text) {
    constexpr std::string_view image = "qemu:";
    if (text.starts_with(image)) {
      const std::size_t format_end = text.find(':', image.size());
      if (format_end == std::string_view::npos) return nullptr;  // whoever reads the URI says why
      const std::string_view name = text.substr(format_end + 1);
      const bool on_server = name.find(':') < name.find('/');
      return on_server || is_absolute(name) ? nullptr
                                            : "must have an absolute path after qemu:FORMAT:";
    }
    if (names_relative_file(text)) return "must have absolute paths in its query";
    const bool has_scheme = text.starts_with("nbdkit:") || text.find(":/") < text.find('/');
    return has_scheme || is_absolute(text) ? nullptr : "must be an absolute path or a URI";
  }

  // Does the query of an NBD URI?
  static bool names_relative_file(std::string_view text) {
    constexpr std::array<std::string_view, 3> keys = {
        "socket=", "tls-certificates=", "tls-psk-file="};
    if (!text.starts_with("nbd") || text.starts_with("nbdkit:")) return false;
    for (std::size_t end = text.find_first_of("?&"); end != std::string_view::npos;
         end = text.find_first_of("?&")) {
      text.remove_prefix(end + 1);
      for (const std::string_view key : keys) {
        if (!text.starts_with(key)) continue;
        const std::string_view path = text.substr(key.size());
        if (!is_absolute(path) && !path.starts_with("%2F") && !path.starts_with("%2f")) return true;
      }
    }
    return false;
  }

  static const char* secret_problem(std::string_view text) {
    if (text == "-" || text.starts_with("fd:")) {
      return "must not be - or fd:N: a service has no standard input and no open files to read";
    }
    if (text.starts_with("credential:") || text == "token:") return nullptr;
    constexpr std::string_view program = "exec:";
    if (text.starts_with(program)) {
      return is_absolute(text.substr(program.size())) ? nullptr
                                                      : "must have an absolute path after exec:";
    }
    return is_absolute(text) ? nullptr : "must be an absolute path";
  }

  Section section_;
  const UriReader& read_uri_;
  ServiceConfig& config_;
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
    ExportReader reader(*element.as_table(), ++number, read_uri, config, mistakes);
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
