#include "source/uri.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"

namespace luksdetached {

namespace {

constexpr std::string_view hidden_mark = "…";
constexpr std::string_view supported_schemes =
    "a path, file:, nbd://, nbds://, nbd+unix:// and nbds+unix://";

struct NbdScheme {
  std::string_view prefix;
  Scheme scheme;
  bool tls;
  bool unix_socket;
};
constexpr std::array<NbdScheme, 4> nbd_schemes = {{
    {"nbd", Scheme::nbd, false, false},
    {"nbds", Scheme::nbds, true, false},
    {"nbd+unix", Scheme::nbd_unix, false, true},
    {"nbds+unix", Scheme::nbds_unix, true, true},
}};

constexpr std::array<std::string_view, 8> later_schemes = {
    "nbd+vsock", "nbds+vsock", "http", "https", "ssh", "sftp", "nbdkit", "qemu"};

constexpr std::array<std::string_view, 3> query_keys = {"socket", "tls-certificates",
                                                        "tls-psk-file"};

bool is_known_key(std::string_view key) {
  return std::find(query_keys.begin(), query_keys.end(), key) != query_keys.end();
}

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

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

// Nothing when a '%' has no two hexadecimal digits, or when they say NUL.
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

// Where what may be user information ends: after the last '@', however it is written.
std::size_t end_of_user(std::string_view text) {
  const std::size_t plain = text.rfind('@');
  const std::size_t encoded = text.rfind("%40");
  const std::size_t after_plain = plain == std::string_view::npos ? 0 : plain + 1;
  const std::size_t after_encoded = encoded == std::string_view::npos ? 0 : encoded + 3;
  return std::max(after_plain, after_encoded);
}

// A URI that can be shown, also when it is malformed: a password may hold '/', '?' or '#' that its
// user forgot to encode, so whatever is before the last '@' is taken for user information unless
// what is between is certainly a query.
std::string redact(std::string_view scheme, std::string_view rest) {
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
      well_formed = well_formed && equals != std::string_view::npos && is_known_key(key);
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

[[noreturn]] void refuse(const Uri& uri, const std::string& what) {
  throw Error(ErrorKind::usage, "cannot use " + uri.name + ": " + what);
}

void hide(Uri& uri, std::string_view secret) {
  if (secret.empty()) return;
  uri.hidden.emplace_back(secret);
  const auto decoded = percent_decode(secret);
  if (decoded && *decoded != secret) uri.hidden.push_back(*decoded);
}

std::string normal_path(std::string_view path) {
  std::string normal = std::filesystem::path(path).lexically_normal();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string place_of_file(const std::string& path) {
  return "file " + normal_path(path);
}

// Of an export of the server at the URI's unix socket, or else at `host` (with its port, or not).
std::string place_of_export(const Uri& uri, std::string_view host) {
  if (!uri.socket.empty()) return "unix " + normal_path(uri.socket) + " " + uri.export_name;
  std::string server(host);
  std::transform(server.begin(), server.end(), server.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::size_t colon = server.rfind(':');
  const bool has_port = colon != std::string::npos && server.find(']', colon) == std::string::npos;
  if (!has_port) server += ":10809";
  return "tcp " + server + " " + uri.export_name;
}

Uri parse_file_uri(std::string_view text) {
  Uri uri;
  uri.text = text;
  const std::string_view rest = text.substr(std::string_view("file:").size());
  uri.name = redact("file", rest);
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

// Returns the value of socket=, or nothing.
std::string parse_nbd_query(Uri& uri, const NbdScheme& scheme, std::string_view query) {
  std::string socket;
  std::vector<std::string_view> seen;
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    if (equals == std::string_view::npos || !is_known_key(key)) {
      refuse(uri,
             "its query may hold only socket=, tls-certificates= and tls-psk-file=, separated by "
             "'&' and written exactly so");
    }
    const std::string name(key);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      refuse(uri, name + "= is given twice; give it once");
    }
    seen.push_back(key);
    const std::string value = percent_decode(pair.substr(equals + 1)).value_or("");
    if (value.empty()) refuse(uri, name + "= has no value; give it one or leave it out");
    if (key == "socket") {
      if (!scheme.unix_socket) {
        refuse(uri, "socket= goes with " + std::string(scheme.prefix) +
                        "+unix:///EXPORT?socket=PATH, not with a host");
      }
      socket = value;
    } else if (!scheme.tls) {
      refuse(uri, name + "= asks for TLS, which " + std::string(scheme.prefix) +
                      ":// does not use; write nbds" + (scheme.unix_socket ? "+unix" : "") + "://");
    } else if (key == "tls-certificates") {
      uri.tls_certificates = value;
    } else {
      uri.tls_psk_file = value;
    }
  }
  return socket;
}

Uri parse_nbd_uri(const NbdScheme& scheme, std::string_view text) {
  Uri uri;
  uri.scheme = scheme.scheme;
  uri.text = text;
  std::string_view rest = text.substr(scheme.prefix.size() + 1);
  uri.name = redact(scheme.prefix, rest);
  const std::string prefix(scheme.prefix);

  if (rest.substr(0, 2) != "//") {
    refuse(uri, "it must begin with " + prefix + "://; a file of such a name is written ./NAME");
  }
  rest.remove_prefix(2);
  if (rest.find('#') != std::string_view::npos) {
    refuse(uri, "an NBD URI has no fragment; write '#' as %23");
  }
  if (rest.find(';') != std::string_view::npos) {
    refuse(uri, "';' must be written as %3B, and query parameters are separated by '&'");
  }
  // What libxml2, which takes the URI apart for libnbd, would not accept in its strict mode.
  const bool printable = std::all_of(rest.begin(), rest.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
  if (!printable || !percent_decode(rest)) {
    refuse(uri,
           "blanks, control characters, non-ASCII characters and any of \"<>\\^`{|} must be "
           "percent-encoded, '%' must be followed by two hexadecimal digits, and %00 is not "
           "allowed");
  }

  const std::size_t question = rest.find('?');
  const std::string_view front = rest.substr(0, question);
  const std::string_view authority = front.substr(0, front.find('/'));
  const std::size_t at = authority.rfind('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);

  // Hidden before anything below can be refused or fail.
  hide(uri, text);
  const std::string_view user = front.substr(0, end_of_user(front));
  hide(uri, user);
  if (at != std::string_view::npos) {
    for (const std::string_view part : split(authority.substr(0, at), ':')) hide(uri, part);
    hide(uri, authority.substr(0, at));
  }
  if (question != std::string_view::npos) {
    const std::string_view query = rest.substr(question + 1);
    hide(uri, query);
    for (const std::string_view pair : split(query, '&')) {
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos) hide(uri, pair.substr(equals + 1));
    }
    if (!query.empty()) uri.socket = parse_nbd_query(uri, scheme, query);
  }
  std::sort(uri.hidden.begin(), uri.hidden.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });

  if (scheme.unix_socket) {
    if (uri.socket.empty()) {
      refuse(uri, "it does not say which socket; write " + prefix + ":///EXPORT?socket=PATH");
    }
    // libnbd ignores a host here: the export's name with a '/' too few would be forgotten.
    if (!host.empty()) {
      refuse(uri, "a unix socket has no host; write " + prefix + ":///EXPORT?socket=PATH");
    }
  }
  std::string_view path = front.substr(authority.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  uri.export_name = percent_decode(path).value_or("");
  uri.place = place_of_export(uri, host);
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
  for (const NbdScheme& nbd : nbd_schemes) {
    if (scheme == nbd.prefix) return parse_nbd_uri(nbd, text);
  }
  if (std::find(later_schemes.begin(), later_schemes.end(), scheme) != later_schemes.end()) {
    throw Error(ErrorKind::unsupported, "a URI of scheme " + std::string(scheme) +
                                            ": is not supported by this version; supported are " +
                                            std::string(supported_schemes) +
                                            ". A file of such a name is written ./NAME");
  }
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

void check_tls_policy(const Uri& uri, bool insecure) {
  const bool tls = uri.scheme == Scheme::nbds || uri.scheme == Scheme::nbds_unix;
  // libnbd prefers the key to the certificates when it is given both.
  if (!tls || insecure || !uri.tls_psk_file.empty()) return;

  const std::string refused = "refusing to connect to " + uri.name + ": ";
  const std::string any_server =
      " (the parameter insecure=true, or the program's --insecure, accepts any server)";
  if (uri.scheme == Scheme::nbds_unix) {
    throw Error(ErrorKind::policy,
                refused +
                    "the certificate of a server on a unix socket is not verified; add "
                    "tls-psk-file=FILE to the URI" +
                    any_server);
  }
  if (uri.tls_certificates.empty()) {
    throw Error(ErrorKind::policy,
                refused +
                    "without a certificate authority the server is not verified; add "
                    "tls-certificates=DIRECTORY or tls-psk-file=FILE to the URI" +
                    any_server);
  }
  // The same question, asked the same way as libnbd asks it.
  const std::string authority = uri.tls_certificates + "/ca-cert.pem";
  if (::access(authority.c_str(), R_OK) != 0) {
    throw Error(ErrorKind::policy,
                refused + "ca-cert.pem in the directory of tls-certificates= cannot be read (" +
                    errno_text(errno) +
                    "), and without it the server is not verified; put the certificate authority "
                    "there" +
                    any_server);
  }
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
      if (secret.size() < 3 && inside_word) {
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
