#include "config/service_config.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "config/config_file.h"
#include "config/config_readers.h"
#include "config/syntax_hint.h"
#include "config/toml_characters.h"
#include "config/toml_section.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_line_bytes = 4096;

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
  mistakes.add(root["service"]["default"].node()->source(), "default in [service] is '" +
                                                                shortened(config.default_export) +
                                                                "', but no export has that name");
}

// The mistake that toml++ found, which says the end of the file to be behind the end of its last
// line.
ConfigMistake mistake_in_syntax(const toml::parse_error& error, std::string_view text) {
  const toml::source_position& where = error.source().begin;
  std::string_view rest = text;
  for (unsigned line = 1; line < where.line && !rest.empty(); ++line) {
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  }
  unsigned column = 1;
  for (; column < where.column && !rest.empty() && rest.front() != '\n'; ++column) {
    do rest.remove_prefix(1);
    while (!rest.empty() && (rest.front() & 0xc0) == 0x80);
  }
  const std::string description = printable(std::string(error.description()));
  return {where.line, column, description + std::string(syntax_hint(description, rest))};
}

void check_size(std::string_view text, std::string_view file) {
  if (text.size() > max_config_bytes) throw ConfigError(file, "is larger than 1 MiB");
  unsigned line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > max_line_bytes) {
      throw ConfigError(file, {{line, max_line_bytes + 1, "the line is longer than 4 KiB"}});
    }
    at = end + 1;
  }
}

void check_characters(std::string_view text, std::string_view file) {
  if (const auto place = find_invalid_utf8(text)) {
    throw ConfigError(file, {{place->line, place->column,
                              "a byte that is not UTF-8, which all of a config file must be"}});
  }
  // TOML has them only in strings and comments, and toml++ does not always say which one it means.
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (const auto place = find_non_ascii(text.starts_with(byte_order_mark) ? 3 : 0, text)) {
    throw ConfigError(file, {{place->line, place->column,
                              "a character that is not ASCII, outside of strings and comments"}});
  }
}

toml::table parse_toml(std::string_view text, std::string_view file) {
  check_size(text, file);
  check_characters(text, file);
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw ConfigError(file, {mistake_in_syntax(error, text)});
  }
}

std::string status_path_in(std::string_view text, std::string_view file) {
  return parse_toml(text, file)["service"]["status"].value_or(std::string());
}

// Of a file whose rest has a mistake; empty when there is none in what is left either.
std::string status_path_before(std::string_view text, std::string_view file) {
  try {
    return status_path_in(text, file);
  } catch (const ConfigError&) {
    return {};
  }
}

std::string_view lines_before(unsigned line, std::string_view text) {
  std::size_t end = 0;
  for (unsigned n = 1; n < line && end != std::string_view::npos; ++n) {
    end = text.find('\n', end);
    if (end != std::string_view::npos) ++end;
  }
  return text.substr(0, end);
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

std::string fixed_differences(const ServiceConfig& before, const ServiceConfig& now) {
  std::string keys;
  const auto compare = [&](const char* key, bool same) {
    if (!same) keys += (keys.empty() ? "" : ", ") + std::string(key);
  };
  compare("listen", before.listen == now.listen);
  compare("status", before.status == now.status);
  compare("metrics", before.metrics == now.metrics);
  compare("tls", before.tls == now.tls);
  compare("tls-certificates", before.tls_certificates == now.tls_certificates);
  compare("tls-verify-peer", before.tls_verify_peer == now.tls_verify_peer);
  compare("tls-psk", before.tls_psk == now.tls_psk);
  compare("threads", before.threads == now.threads);
  compare("user", before.user == now.user);
  compare("group", before.group == now.group);
  compare("filters", before.filters == now.filters);
  compare("filter-parameters", before.filter_parameters == now.filter_parameters);
  return keys;
}

ConfigError::ConfigError(std::string_view file, std::vector<ConfigMistake> mistakes)
    : mistakes_(std::move(mistakes)), text_(join(file, mistakes_)) {}

ConfigError::ConfigError(std::string_view file, std::string_view problem)
    : text_("config file " + std::string(file) + " " + std::string(problem)) {}

ServiceConfig load_config(const std::string& path, const UriReader& read_uri) {
  return parse_config(read_config_file(path), path, read_uri);
}

std::string load_status_path(const std::string& path) {
  const std::string text = read_config_file(path);
  try {
    return status_path_in(text, path);
  } catch (const ConfigError& error) {
    if (error.mistakes().empty()) throw;
    std::string status =
        status_path_before(lines_before(error.mistakes().front().line, text), path);
    if (status.empty()) throw;
    return status;
  }
}

ServiceConfig parse_config(std::string_view text, std::string_view file,
                           const UriReader& read_uri) {
  const toml::table root = parse_toml(text, file);
  ServiceConfig config;
  Mistakes mistakes;
  Section top(root, "the file", mistakes);
  const toml::node* service = top.take("service");
  if (service == nullptr) {
    mistakes.add(1, 1, "[service] is missing");
  } else if (const toml::table* table = service->as_table()) {
    read_service(*table, config, mistakes);
  } else {
    mistakes.add(service->source(), "service must be a table, written [service]");
  }
  const toml::node* exports = top.take("export");
  if (exports == nullptr) {
    mistakes.add(1, 1, "there is no [[export]]");
  } else {
    read_exports(*exports, read_uri, config, mistakes);
  }
  top.report_unknown_keys();
  check_default(root, config, mistakes);
  mistakes.throw_if_any(file);
  return config;
}

}  // namespace luksdetached
