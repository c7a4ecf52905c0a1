#include "source/uri_parts.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"

namespace luksdetached {

namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

}  // namespace

const std::string_view uri_text_rules =
    "blanks, control characters, non-ASCII characters and any of \"<>\\^`{|} must be "
    "percent-encoded, '%' must be followed by two hexadecimal digits, and %00 is not allowed";

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_uri_text(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
  return printable && percent_decode(text);
}

Authority split_authority(std::string_view authority) {
  Authority parts;
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    parts.user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  parts.host = has_port ? authority.substr(0, colon) : authority;
  if (has_port) parts.port = authority.substr(colon + 1);
  return parts;
}

bool is_number(std::string_view text, unsigned long most) {
  unsigned long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= most;
}

std::size_t end_of_user(std::string_view text) {
  const std::size_t plain = text.rfind('@');
  const std::size_t encoded = text.rfind("%40");
  const std::size_t after_plain = plain == std::string_view::npos ? 0 : plain + 1;
  const std::size_t after_encoded = encoded == std::string_view::npos ? 0 : encoded + 3;
  return std::max(after_plain, after_encoded);
}

std::string redact(std::string_view scheme, std::string_view rest,
                   bool (*is_key)(std::string_view)) {
  std::string shown(scheme);
  shown += ':';
  if (rest.substr(0, 2) == "//") {
    shown += "//";
    rest.remove_prefix(2);
  }

  const std::size_t hash = rest.find('#');
  if (hash != std::string_view::npos) {
    if (end_of_user(rest.substr(hash)) != 0) return shown.append(hidden_mark);
    rest = rest.substr(0, hash);
  }

  const std::size_t question = rest.find('?');
  const std::string_view front = rest.substr(0, question);
  std::string query;
  if (question != std::string_view::npos) {
    const std::string_view raw = rest.substr(question + 1);
    bool well_formed = true;
    query = "?";
    for (const std::string_view pair : split(raw, '&')) {
      const std::size_t equals = pair.find('=');
      const std::string_view key = pair.substr(0, equals);
      well_formed = well_formed && equals != std::string_view::npos && is_key(key);
      if (query.size() > 1) query += '&';
      query.append(key).append("=").append(hidden_mark);
    }
    if (!well_formed) {
      if (end_of_user(raw) != 0) return shown.append(hidden_mark);
      query = std::string("?").append(hidden_mark);
    }
  }

  const std::size_t user = end_of_user(front);
  if (user != 0) shown.append(hidden_mark).append("@");
  shown.append(front.substr(user)).append(query);
  return escape_control(shown);
}

void refuse(const Uri& uri, const std::string& what) {
  throw Error(ErrorKind::usage, "cannot use " + uri.name + ": " + what);
}

void hide(Uri& uri, std::string_view secret) {
  if (secret.empty()) return;
  uri.hidden.emplace_back(secret);
  const auto decoded = percent_decode(secret);
  if (decoded && *decoded != secret) uri.hidden.push_back(*decoded);
}

void hide_user(Uri& uri, std::string_view user) {
  hide(uri, user);
  for (const std::string_view part : split(user, ':')) hide(uri, part);
  // A password may hold a ':' itself.
  const std::size_t colon = user.find(':');
  if (colon != std::string_view::npos) hide(uri, user.substr(colon + 1));
}

void hide_query(Uri& uri, std::string_view query) {
  hide(uri, query);
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) hide(uri, pair.substr(equals + 1));
  }
}

void sort_hidden(Uri& uri) {
  std::sort(uri.hidden.begin(), uri.hidden.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string normal_path(std::string_view path) {
  std::string normal = std::filesystem::path(path).lexically_normal();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string place_of_file(const std::string& path) {
  return "file " + normal_path(path);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

}  // namespace luksdetached
