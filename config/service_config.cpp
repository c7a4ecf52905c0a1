#include "config/service_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <toml++/toml.h>

namespace luksdetached {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 20;
constexpr std::size_t max_line_bytes = 4096;
constexpr std::size_t max_unix_path_bytes = 107;
constexpr std::size_t max_name_bytes = 255;
constexpr unsigned max_threads = 256;

// Everything that is wrong, in the order of the file.
class Mistakes {
 public:
  void add(const toml::source_region& where, std::string message) {
    add(where.begin.line, where.begin.column, std::move(message));
  }
  void add(unsigned line, unsigned column, std::string message) {
    // toml++ has no place for what is not in the file, such as its root.
    list_.push_back({std::max(line, 1U), std::max(column, 1U), std::move(message)});
  }
  void throw_if_any(std::string_view file) {
    if (list_.empty()) return;
    std::stable_sort(list_.begin(), list_.end(), [](const ConfigMistake& a, const ConfigMistake& b) {
      return a.line != b.line ? a.line < b.line : a.column < b.column;
    });
    throw ConfigError(file, std::move(list_));
  }

 private:
  std::vector<ConfigMistake> list_;
};

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 80)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return text.size() > 80 ? shown + "…" : shown;
}

std::string type_word(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::none:
      break;
    default:
      return "a date or time";
  }
  return "nothing";
}

// The keys of one table, each taken at most once; what nobody took is unknown.
class Section {
 public:
  Section(const toml::table& table, std::string title, Mistakes& mistakes)
      : table_(table), title_(std::move(title)), mistakes_(mistakes) {}

  const toml::source_region& where() const { return table_.source(); }

  const toml::node* take(std::string_view key) {
    known_.insert(std::string(key));
    return table_.get(key);
  }

  // The value of `key` if it is there and of type T, which is called `expected` in messages.
  template <typename T>
  std::optional<T> value(std::string_view key, std::string_view expected) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    if (const std::optional<T> found = node->value_exact<T>()) return found;
    wrong_type(key, *node, expected);
    return std::nullopt;
  }

  void wrong_type(std::string_view key, const toml::node& node, std::string_view expected) {
    mistakes_.add(node.source(), std::string(key) + " in " + title_ + " must be " +
                                     std::string(expected) + ", not " + type_word(node));
  }

  void missing(std::string_view key) {
    mistakes_.add(where(), std::string(key) + " is missing in " + title_);
  }

  void report_unknown_keys() {
    for (const auto& [key, node] : table_) {
      if (known_.contains(std::string(key.str()))) continue;
      std::string keys;
      for (const std::string& name : known_) keys += (keys.empty() ? "" : ", ") + name;
      mistakes_.add(key.source(), "unknown key '" + printable(key.str()) + "' in " + title_ +
                                      " (known: " + keys + ")");
    }
  }

 private:
  const toml::table& table_;
  std::string title_;
  Mistakes& mistakes_;
  std::set<std::string> known_;
};

bool is_absolute(std::string_view path) { return path.starts_with('/'); }

// ---- [service] ----

class ServiceReader {
 public:
  ServiceReader(const toml::table& table, Mistakes& mistakes)
      : section_(table, "[service]", mistakes), mistakes_(mistakes) {}

  void read(ServiceConfig& config) {
    read_listen(config);
    config.status = read_socket_path("status");
    if (const auto insecure = section_.value<bool>("insecure", "true or false")) {
      config.insecure = *insecure;
    }
    read_tls(config);
    read_threads(config);
    if (const auto name = section_.value<std::string>("default", "a string")) {
      config.default_export = *name;
    }
    section_.report_unknown_keys();
    check_tls(config);
    check_sockets(config);
  }

 private:
  void read_listen(ServiceConfig& config) {
    const toml::node* node = section_.take("listen");
    if (node == nullptr) {
      section_.missing("listen");
      return;
    }
    listen_ = node;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      section_.wrong_type("listen", *node, "an array of strings");
      return;
    }
    if (array->size() != 1) {
      mistakes_.add(node->source(), "listen in [service] must have exactly one listener, not " +
                                        std::to_string(array->size()));
      return;
    }
    const toml::node& element = *array->get(0);
    const auto text = element.value_exact<std::string>();
    if (!text) {
      section_.wrong_type("listen", element, "an array of strings");
      return;
    }
    listen_ = &element;
    parse_listener(*text, config.listen);
  }

  void parse_listener(std::string_view text, Listener& listener) {
    constexpr std::string_view unix_scheme = "unix:";
    constexpr std::string_view tcp_scheme = "tcp:";
    if (text.starts_with(unix_scheme)) {
      listener.kind = Listener::Kind::unix_socket;
      listener.path = text.substr(unix_scheme.size());
      check_socket_path("listen", listener.path, *listen_);
    } else if (text.starts_with(tcp_scheme)) {
      listener.kind = Listener::Kind::tcp;
      parse_host_and_port(text.substr(tcp_scheme.size()), listener);
    } else {
      mistakes_.add(listen_->source(), "listener '" + printable(text) +
                                           "' is not understood: expected unix:/PATH or "
                                           "tcp:HOST:PORT");
    }
  }

  void parse_host_and_port(std::string_view text, Listener& listener) {
    const std::size_t colon = text.rfind(':');
    std::string_view host = text.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      mistakes_.add(listen_->source(), "listener 'tcp:" + printable(text) +
                                           "': an IPv6 address is written in brackets, "
                                           "tcp:[::1]:10809");
      return;
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number < 1 || number > 65535) {
      mistakes_.add(listen_->source(),
                    "listener 'tcp:" + printable(text) + "' has no port from 1 to 65535");
      return;
    }
    const bool strange = host.empty() || host.find_first_of("/ \t") != std::string_view::npos ||
                         host.starts_with('-');
    if (strange) {
      mistakes_.add(listen_->source(), "listener 'tcp:" + printable(text) +
                                           "' has no host; all addresses are written "
                                           "tcp:0.0.0.0:PORT or tcp:[::]:PORT");
      return;
    }
    listener.host = host;
    listener.port = static_cast<std::uint16_t>(number);
  }

  std::string read_socket_path(std::string_view key) {
    const auto path = section_.value<std::string>(key, "a string");
    if (!path) return {};
    check_socket_path(key, *path, *section_.take(key));
    return *path;
  }

  void check_socket_path(std::string_view key, std::string_view path, const toml::node& node) {
    if (!is_absolute(path)) {
      mistakes_.add(node.source(), std::string(key) + " in [service] must be an absolute path");
    } else if (path.size() > max_unix_path_bytes) {
      mistakes_.add(node.source(), std::string(key) + " in [service] is longer than " +
                                       std::to_string(max_unix_path_bytes) +
                                       " bytes, which is all that a unix socket can have");
    }
  }

  std::string read_path(std::string_view key) {
    const auto path = section_.value<std::string>(key, "a string");
    if (!path) return {};
    if (!is_absolute(*path)) {
      mistakes_.add(section_.take(key)->source(),
                    std::string(key) + " in [service] must be an absolute path");
    }
    return *path;
  }

  void read_tls(ServiceConfig& config) {
    if (const auto mode = section_.value<std::string>("tls", "a string")) {
      if (*mode == "on") {
        config.tls = TlsMode::on;
      } else if (*mode == "require") {
        config.tls = TlsMode::require;
      } else if (*mode != "off") {
        mistakes_.add(section_.take("tls")->source(),
                      "tls in [service] must be \"off\", \"on\" or \"require\", not \"" +
                          printable(*mode) + "\"");
      }
    }
    config.tls_certificates = read_path("tls-certificates");
    config.tls_psk = read_path("tls-psk");
    if (const auto verify = section_.value<bool>("tls-verify-peer", "true or false")) {
      config.tls_verify_peer = *verify;
    }
  }

  void read_threads(ServiceConfig& config) {
    const auto threads = section_.value<std::int64_t>("threads", "an integer");
    if (!threads) return;
    if (*threads < 1 || *threads > max_threads) {
      mistakes_.add(section_.take("threads")->source(),
                    "threads in [service] must be from 1 to " + std::to_string(max_threads));
      return;
    }
    config.threads = static_cast<unsigned>(*threads);
  }

  void check_tls(const ServiceConfig& config) {
    const bool has_certificates = !config.tls_certificates.empty();
    const bool has_psk = !config.tls_psk.empty();
    if (config.tls == TlsMode::off) {
      for (const std::string_view key : {"tls-certificates", "tls-psk", "tls-verify-peer"}) {
        if (const toml::node* node = section_.take(key)) {
          mistakes_.add(node->source(),
                        std::string(key) + " in [service] needs tls = \"on\" or \"require\"");
        }
      }
    } else if (has_certificates && has_psk) {
      mistakes_.add(section_.take("tls-psk")->source(),
                    "tls-psk and tls-certificates in [service] exclude each other");
    } else if (!has_certificates && !has_psk) {
      mistakes_.add(section_.take("tls")->source(),
                    "tls in [service] needs tls-certificates or tls-psk");
    } else if (config.tls_verify_peer && has_psk) {
      mistakes_.add(section_.take("tls-verify-peer")->source(),
                    "tls-verify-peer in [service] is about certificates; tls-psk always verifies");
    }
    if (config.listen.kind != Listener::Kind::tcp || config.listen.host.empty()) return;
    const std::string& host = config.listen.host;
    const bool loopback = host == "localhost" || host == "::1" || host.starts_with("127.");
    const bool verified = config.tls == TlsMode::require && (config.tls_verify_peer || has_psk);
    if (!loopback && !verified && !config.insecure) {
      mistakes_.add(listen_->source(),
                    "a TCP listener beyond loopback needs tls = \"require\" with tls-verify-peer = "
                    "true or tls-psk, or insecure = true");
    }
  }

  void check_sockets(const ServiceConfig& config) {
    if (!config.status.empty() && config.status == config.listen.path) {
      mistakes_.add(section_.take("status")->source(),
                    "status and listen in [service] are the same socket");
    }
  }

  Section section_;
  Mistakes& mistakes_;
  const toml::node* listen_ = nullptr;
};

// ---- [[export]] ----

class ExportReader {
 public:
  ExportReader(const toml::table& table, std::size_t number, Mistakes& mistakes)
      : section_(table, "[[export]] number " + std::to_string(number), mistakes),
        mistakes_(mistakes) {}

  NamedExport read() {
    NamedExport result;
    result.name = read_name();
    OptionParser parser;
    bool complete = true;
    for (const std::string_view key :
         {"header", "payload", "secret", "secret-offset", "secret-size", "passphrase", "keyslot",
          "payload-offset", "lock", "readonly", "insecure"}) {
      const toml::node* node = section_.take(key);
      if (node != nullptr && !set(parser, key, *node)) complete = false;
    }
    section_.report_unknown_keys();
    if (!complete) return result;
    try {
      result.options = parser.finish();
    } catch (const OptionError& error) {
      mistakes_.add(section_.where(), error.what());
    }
    return result;
  }

  const toml::source_region& where(std::string_view key) {
    const toml::node* node = section_.take(key);
    return node == nullptr ? section_.where() : node->source();
  }

 private:
  std::string read_name() {
    const toml::node* node = section_.take("name");
    if (node == nullptr) {
      section_.missing("name");
      return {};
    }
    const auto name = section_.value<std::string>("name", "a string");
    if (!name) return {};
    const bool control = std::any_of(name->begin(), name->end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (name->empty() || name->size() > max_name_bytes || control) {
      mistakes_.add(node->source(), "name must have 1 to " + std::to_string(max_name_bytes) +
                                        " bytes without control characters");
      return {};
    }
    return *name;
  }

  // Gives one value, or each of an array, to `parser`. False when there was a mistake.
  bool set(OptionParser& parser, std::string_view key, const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return set_one(parser, key, node);
    if (!option_repeats(key) && array->size() != 1) {
      mistakes_.add(node.source(), std::string(key) + " takes one value, not " +
                                       std::to_string(array->size()));
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
    if (const char* problem = path_problem(key, *text)) {
      mistakes_.add(node.source(), std::string(key) + " " + problem);
      return false;
    }
    try {
      parser.set(key, *text);
      return true;
    } catch (const OptionError& error) {
      mistakes_.add(node.source(), error.what());
      return false;
    }
  }

  // The value as the plugin's parameter of the same name would have it.
  std::optional<std::string> text_of(std::string_view key, const toml::node& node) {
    const auto text = node.value_exact<std::string>();
    const auto number = node.value_exact<std::int64_t>();
    const auto boolean = node.value_exact<bool>();
    switch (*option_type(key)) {
      case OptionType::text:
        if (text) return *text;
        section_.wrong_type(key, node, "a string");
        break;
      case OptionType::size:
        if (text) return *text;
        if (number) return std::to_string(*number);
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

  // A service has no working directory and no terminal that its user knows of.
  static const char* path_problem(std::string_view key, std::string_view text) {
    if (key == "passphrase") {
      if (text.starts_with('-')) return "must be +/PATH: a service has no standard input to read";
      if (text.starts_with('+') && !is_absolute(text.substr(1))) {
        return "must be an absolute path after the +";
      }
    } else if (key == "secret" || key == "header" || key == "payload") {
      const bool has_scheme = text.find(':') != std::string_view::npos;
      if (!text.empty() && !has_scheme && !is_absolute(text)) {
        return "must be an absolute path or a URI";
      }
    }
    return nullptr;
  }

  Section section_;
  Mistakes& mistakes_;
};

// Two paths may be the same file all the same; then the lock on the payload still tells.
std::string comparable(std::string_view uri) {
  constexpr std::string_view file_scheme = "file://";
  if (uri.starts_with(file_scheme)) uri.remove_prefix(file_scheme.size());
  return std::string(uri);
}

void read_exports(const toml::node& node, ServiceConfig& config, Mistakes& mistakes) {
  const toml::array* array = node.as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    mistakes.add(node.source(), "export must be written [[export]], with two brackets");
    return;
  }
  std::map<std::string, std::string> writers;  // payload to export name
  std::set<std::string> names;
  std::size_t number = 0;
  for (const toml::node& element : *array) {
    ExportReader reader(*element.as_table(), ++number, mistakes);
    NamedExport next = reader.read();
    if (!next.name.empty() && !names.insert(next.name).second) {
      mistakes.add(reader.where("name"),
                   "the name '" + printable(next.name) + "' is used by another export");
    }
    const ExportOptions& options = next.options;
    if (!options.payload.empty() && !options.readonly) {
      const auto [other, first] = writers.emplace(comparable(options.payload), next.name);
      if (!first) {
        mistakes.add(reader.where("payload"),
                     "the export '" + printable(other->second) +
                         "' writes the same payload; make one of them readonly");
      }
    }
    config.exports.push_back(std::move(next));
  }
}

void check_default(const toml::table& root, ServiceConfig& config, Mistakes& mistakes) {
  if (config.exports.empty()) return;
  if (config.default_export.empty()) {
    config.default_export = config.exports.front().name;
    return;
  }
  const bool exists =
      std::any_of(config.exports.begin(), config.exports.end(),
                  [&](const NamedExport& one) { return one.name == config.default_export; });
  if (exists) return;
  mistakes.add(root["service"]["default"].node()->source(),
               "default in [service] is '" + printable(config.default_export) +
                   "', but no export has that name");
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

void check_size(std::string_view text, std::string_view file) {
  if (text.size() > max_file_bytes) throw ConfigError(file, "is larger than 1 MiB");
  unsigned line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > max_line_bytes) {
      throw ConfigError(file, {{line, max_line_bytes + 1, "the line is longer than 4 KiB"}});
    }
    at = end + 1;
  }
}

std::string join(std::string_view file, const std::vector<ConfigMistake>& mistakes) {
  std::string text;
  for (const ConfigMistake& mistake : mistakes) {
    if (!text.empty()) text += '\n';
    text += std::string(file) + ":" + std::to_string(mistake.line) + ":" +
            std::to_string(mistake.column) + ": " + mistake.message;
  }
  return text;
}

}  // namespace

ConfigError::ConfigError(std::string_view file, std::vector<ConfigMistake> mistakes)
    : mistakes_(std::move(mistakes)), text_(join(file, mistakes_)) {}

ConfigError::ConfigError(std::string_view file, std::string_view problem)
    : text_("config file " + std::string(file) + " " + std::string(problem)) {}

ServiceConfig load_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(path, "cannot be opened");
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) throw ConfigError(path, "cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_config(text, path);
}

ServiceConfig parse_config(std::string_view text, std::string_view file) {
  check_size(text, file);
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    throw ConfigError(file, {{where.line, where.column, first_line(error.description())}});
  }
  ServiceConfig config;
  Mistakes mistakes;
  Section top(root, "the file", mistakes);
  const toml::node* service = top.take("service");
  if (service == nullptr) {
    mistakes.add(1, 1, "[service] is missing");
  } else if (const toml::table* table = service->as_table()) {
    ServiceReader(*table, mistakes).read(config);
  } else {
    mistakes.add(service->source(), "service must be a table, written [service]");
  }
  const toml::node* exports = top.take("export");
  if (exports == nullptr) {
    mistakes.add(1, 1, "there is no [[export]]");
  } else {
    read_exports(*exports, config, mistakes);
  }
  top.report_unknown_keys();
  check_default(root, config, mistakes);
  mistakes.throw_if_any(file);
  return config;
}

}  // namespace luksdetached
