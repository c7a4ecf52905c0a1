#include "source/uri.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/utf8.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

constexpr std::string_view supported_schemes =
    "a path, file:, nbd://, nbds://, nbd+unix://, nbds+unix://, nbd+vsock://, nbds+vsock://, "
    "http://, https://, ssh://, sftp://, nbdkit:PLUGIN?… and qemu:FORMAT:NAME";

// The text before the first ':' if that can be a URI's scheme (RFC 3986), else nothing.
std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = text.substr(0, colon);
  const auto is_alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!is_alpha(scheme[0])) return {};
  const bool valid = std::all_of(scheme.begin(), scheme.end(), [&](char c) {
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
  return valid ? scheme : std::string_view{};
}

Uri parse_file_uri(std::string_view text) {
  Uri uri;
  uri.text = text;
  const std::string_view rest = text.substr(std::string_view("file:").size());
  uri.name = redact("file", rest, [](std::string_view) { return false; });
  if (rest.find_first_of("?#") != std::string_view::npos) {
    refuse(uri, "a file: URI has no query and no fragment; write '?' as %3F and '#' as %23");
  }
  std::string_view path = rest;
  if (path.substr(0, 2) == "//") {
    const std::size_t slash = path.find('/', 2);
    const std::string_view host = path.substr(2, slash - 2);
    if (slash == std::string_view::npos || (!host.empty() && host != "localhost")) {
      refuse(uri,
             "a file: URI names a file of this machine; write file:///PATH with an absolute path");
    }
    path.remove_prefix(slash);
  }
  if (path.empty() || path[0] != '/') {
    refuse(uri, "the path in a file: URI must be absolute; write file:///PATH, or the path alone");
  }
  const auto decoded = percent_decode(path);
  if (!decoded || decoded->find('\0') != std::string::npos) {
    refuse(uri, "'%' must be followed by two hexadecimal digits, and not by 00; write '%' as %25");
  }
  uri.path = *decoded;
  uri.name = escape_control(uri.path);
  uri.place = place_of_file(uri.path);
  return uri;
}

}  // namespace

Uri parse_uri(std::string_view text) {
  if (text.empty()) {
    throw Error(ErrorKind::usage, "the URI is empty; give " + std::string(supported_schemes));
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::usage, "the URI holds a NUL byte, which no path or URI can");
  }
  const std::string_view scheme = scheme_of(text);
  if (scheme == "file") return parse_file_uri(text);
  if (is_nbd_scheme(scheme)) return parse_nbd_uri(scheme, text);
  if (scheme == "http" || scheme == "https" || scheme == "ssh" || scheme == "sftp") {
    return parse_web_uri(scheme, text);
  }
  if (scheme == "nbdkit") return parse_nbdkit_uri(text);
  if (scheme == "qemu") return parse_qemu_uri(text);
  if (!scheme.empty() && text.substr(scheme.size(), 3) == "://") {
    throw Error(ErrorKind::usage, "a URI of scheme " + std::string(scheme) +
                                      ":// is unknown; known are " +
                                      std::string(supported_schemes) + ", in lower case");
  }

  Uri uri;
  uri.text = text;
  uri.path = text;
  uri.name = escape_control(text);
  uri.place = place_of_file(uri.path);
  return uri;
}

std::string scrub(const Uri& uri, std::string message) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (const std::string& secret : uri.hidden) {
    std::size_t at = 0;
    while ((at = message.find(secret, at)) != std::string::npos) {
      const std::size_t end = at + secret.size();
      // One or two letters are hidden as a word only, or nothing would be left of the sentence.
      const bool inside_word =
          (at > 0 && is_word(message[at - 1])) || (end < message.size() && is_word(message[end]));
      // A byte of what was hidden already is none of a secret.
      const std::size_t mark = message.rfind(hidden_mark, at);
      const bool inside_mark = mark != std::string::npos && end <= mark + hidden_mark.size();
      if (secret.size() < hidden_mark.size() && (inside_word || inside_mark)) {
        at = end;
        continue;
      }
      message.replace(at, secret.size(), hidden_mark);
      at += hidden_mark.size();
    }
  }
  return escape_control(message);
}

std::string escape_control(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string escaped;
  while (!text.empty()) {
    const std::size_t shown = shown_character_bytes(text);
    if (shown == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      escaped.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    } else {
      escaped.append(text.substr(0, shown));
    }
    text.remove_prefix(std::max<std::size_t>(shown, 1));
  }
  return escaped;
}

}  // namespace luksdetached
