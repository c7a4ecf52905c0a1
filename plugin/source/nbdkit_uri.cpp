// URIs of plugins of nbdkit: nbdkit:PLUGIN?key=value&…
#include <algorithm>

#include "base/error.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plugin_name(std::string_view name) {
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '-';
  });
}

// As nbdkit wants the keys of key=value.
bool is_parameter_key(std::string_view key) {
  return !key.empty() && is_letter_or_digit(key.front()) &&
         !(key.front() >= '0' && key.front() <= '9') &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool has(const Parameters& parameters, std::string_view key) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const auto& parameter) { return parameter.first == key; });
}

// The curl plugin would show the user information of its URL to everybody, in its command line and
// in its messages: it becomes parameters of its own.
void separate_login(Uri& uri, Parameters& parameters) {
  Parameters login;
  for (auto& [key, value] : parameters) {
    const std::size_t slashes = value.find("://");
    if (key != "url" || slashes == std::string::npos) continue;
    const std::size_t begin = slashes + 3;
    const std::size_t end = value.find_first_of("/?#", begin);
    const std::string server = value.substr(begin, end == std::string::npos ? end : end - begin);
    const std::string user(split_authority(server).user);
    if (user.empty()) continue;
    if (!login.empty() || has(parameters, "user") || has(parameters, "password")) {
      refuse(uri, "it has user information in url= and as parameters, too; give it once");
    }
    hide_user(uri, user);
    const std::size_t colon = user.find(':');
    const auto name = percent_decode(user.substr(0, colon));
    const auto password = percent_decode(colon == std::string::npos ? "" : user.substr(colon + 1));
    if (!name || !password) {
      refuse(uri,
             "in the user information of url= a '%' must be followed by two hexadecimal "
             "digits, and not by 00");
    }
    login.emplace_back("user", *name);
    if (colon != std::string::npos) login.emplace_back("password", *password);
    value.erase(begin, user.size() + 1);
    hide(uri, value);
  }
  parameters.insert(parameters.end(), login.begin(), login.end());
}

}  // namespace

Uri parse_nbdkit_uri(std::string_view text) {
  Uri uri;
  uri.scheme = Scheme::child;
  uri.text = text;
  const std::string_view rest = text.substr(std::string_view("nbdkit:").size());
  uri.name = redact("nbdkit", rest, is_parameter_key);
  const std::size_t question = rest.find('?');
  hide(uri, text);
  if (question != std::string_view::npos) hide_query(uri, rest.substr(question + 1));

  NbdkitPlugin nbdkit;
  nbdkit.plugin = rest.substr(0, question);
  if (rest.find('#') != std::string_view::npos) {
    refuse(uri, "'#' must be written as %23");
  }
  if (!is_plugin_name(nbdkit.plugin)) {
    refuse(uri,
           "write nbdkit:PLUGIN?key=value&key=value with the name of a plugin, of letters, "
           "digits, '_' and '-'");
  }
  uri.place = "nbdkit " + nbdkit.plugin;
  if (question != std::string_view::npos && question + 1 < rest.size()) {
    for (const std::string_view pair : split(rest.substr(question + 1), '&')) {
      const std::size_t equals = pair.find('=');
      const std::string_view key = pair.substr(0, equals);
      if (equals == std::string_view::npos || !is_parameter_key(key)) {
        refuse(uri,
               "its query must be key=value&key=value; a key has letters, digits, '.', '_' and "
               "'-', and '&' in a value is written as %26");
      }
      const auto value = percent_decode(pair.substr(equals + 1));
      if (!value) {
        refuse(uri, "in the value of " + std::string(key) +
                        "= a '%' must be followed by two hexadecimal digits, and not by 00; write "
                        "'%' as %25");
      }
      uri.place.append(" ").append(key).append("=").append(*value);
      nbdkit.parameters.emplace_back(key, *value);
    }
  }
  if (nbdkit.plugin == "curl") separate_login(uri, nbdkit.parameters);
  sort_hidden(uri);
  uri.child = std::move(nbdkit);
  return uri;
}

}  // namespace luksdetached
