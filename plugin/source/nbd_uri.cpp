// URIs of NBD servers.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/error.h"
#include "base/option_text.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

enum class Transport { tcp, unix_socket, vsock };

struct NbdScheme {
  std::string_view prefix;
  Scheme scheme;
  bool tls;
  Transport transport;
};
constexpr std::array<NbdScheme, 6> nbd_schemes = {{
    {"nbd", Scheme::nbd, false, Transport::tcp},
    {"nbds", Scheme::nbds, true, Transport::tcp},
    {"nbd+unix", Scheme::nbd_unix, false, Transport::unix_socket},
    {"nbds+unix", Scheme::nbds_unix, true, Transport::unix_socket},
    {"nbd+vsock", Scheme::nbd_vsock, false, Transport::vsock},
    {"nbds+vsock", Scheme::nbds_vsock, true, Transport::vsock},
}};

const NbdScheme* find_scheme(std::string_view prefix) noexcept {
  const auto* found =
      std::find_if(nbd_schemes.begin(), nbd_schemes.end(),
                   [&](const NbdScheme& scheme) { return scheme.prefix == prefix; });
  return found == nbd_schemes.end() ? nullptr : found;
}

bool is_known_key(std::string_view key) {
  return key == "socket" || key == "tls-certificates" || key == "tls-psk-file";
}

// Of an export of the server at the URI's unix socket, or else at `host` (with its port, or not).
std::string place_of_export(const Uri& uri, Transport transport, const Authority& authority) {
  if (transport == Transport::unix_socket) {
    return "unix " + normal_path(uri.socket) + " " + uri.export_name;
  }
  std::string host =
      lower_case(percent_decode(authority.host).value_or(std::string(authority.host)));
  if (transport == Transport::vsock) host = std::to_string(std::stoul(host));
  const std::string port =
      authority.port.empty() ? "10809" : std::to_string(std::stoul(std::string(authority.port)));
  return (transport == Transport::vsock ? "vsock " : "tcp ") + host + ":" + port + " " +
         uri.export_name;
}

// Every byte that is not plainly a path's.
std::string percent_encode(std::string_view path) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    if (plain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
  }
  return encoded;
}

// The same file from whatever directory, as connecting again is done from another one: nbdkit goes
// to the root directory when it goes into the background. Of `value` and returned as in a query.
std::string absolute_path(const Uri& uri, const std::string& key, std::string_view value) {
  if (percent_decode(value).value_or("").starts_with('/')) return std::string(value);
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) {
    refuse(uri, key + "= has a relative path, and the current directory cannot be found out (" +
                    errno_text(error.value()) + "); give an absolute path");
  }
  return percent_encode((here / "").native()) + std::string(value);
}

// Sets what the query says in `uri`, and returns the query with absolute paths.
std::string parse_query(Uri& uri, const NbdScheme& scheme, std::string_view query) {
  std::string absolute_query;
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
    const std::string_view given = pair.substr(equals + 1);
    if (given.empty()) refuse(uri, name + "= has no value; give it one or leave it out");
    const std::string absolute = absolute_path(uri, name, given);
    const std::string value = percent_decode(absolute).value_or("");
    hide(uri, absolute);
    absolute_query.append(absolute_query.empty() ? "" : "&").append(name + "=").append(absolute);
    if (key == "socket") {
      if (scheme.transport != Transport::unix_socket) {
        refuse(uri, std::string("socket= goes with ") + (scheme.tls ? "nbds" : "nbd") +
                        "+unix:///EXPORT?socket=PATH, not with a host");
      }
      uri.socket = value;
    } else if (!scheme.tls) {
      refuse(uri, name + "= asks for TLS, which " + std::string(scheme.prefix) +
                      ":// does not use; write nbds" + std::string(scheme.prefix.substr(3)) +
                      "://");
    } else if (key == "tls-certificates") {
      uri.tls_certificates = value;
    } else {
      uri.tls_psk_file = value;
    }
  }
  return absolute_query;
}

void check_port(const Uri& uri, const Authority& authority) {
  if (!authority.port.empty() && !is_number(authority.port, most_port)) {
    refuse(uri, "its port must be a number from 1 to " + std::to_string(most_port));
  }
}

void check_vsock(const Uri& uri, const NbdScheme& scheme, std::string_view server,
                 const Authority& authority) {
  // libxml2 takes no larger port.
  const bool good_port =
      authority.port.empty() ? !server.ends_with(':') : is_number(authority.port, INT_MAX);
  if (!is_number(authority.host, UINT_MAX) || !good_port) {
    refuse(uri, "a machine on vsock has a number, and its port one below 2^31; write " +
                    std::string(scheme.prefix) + "://CID:PORT/EXPORT, as in " +
                    std::string(scheme.prefix) + "://2:10809/ for the host");
  }
}

}  // namespace

bool is_nbd_scheme(std::string_view scheme) noexcept {
  return find_scheme(scheme) != nullptr;
}

bool uses_tls(Scheme scheme) noexcept {
  return std::any_of(nbd_schemes.begin(), nbd_schemes.end(),
                     [&](const NbdScheme& nbd) { return nbd.scheme == scheme && nbd.tls; });
}

Uri parse_nbd_uri(std::string_view scheme_text, std::string_view text) {
  const NbdScheme& scheme = *find_scheme(scheme_text);
  Uri uri;
  uri.scheme = scheme.scheme;
  uri.text = text;
  std::string_view rest = text.substr(scheme.prefix.size() + 1);
  uri.name = redact(scheme.prefix, rest, is_known_key);
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
  if (!is_uri_text(rest)) refuse(uri, std::string(uri_text_rules));

  const std::size_t question = rest.find('?');
  const std::string_view front = rest.substr(0, question);
  const std::string_view server = front.substr(0, front.find('/'));
  const Authority authority = split_authority(server);

  // Hidden before anything below can be refused or fail.
  hide(uri, text);
  hide(uri, front.substr(0, end_of_user(front)));
  hide_user(uri, authority.user);
  if (question != std::string_view::npos) {
    const std::string_view query = rest.substr(question + 1);
    hide_query(uri, query);
    if (!query.empty()) {
      const std::string absolute_query = parse_query(uri, scheme, query);
      uri.text = std::string(text.substr(0, text.size() - query.size())) + absolute_query;
      hide(uri, absolute_query);
      hide(uri, uri.text);
    }
  }
  sort_hidden(uri);

  if (scheme.transport == Transport::unix_socket) {
    if (uri.socket.empty()) {
      refuse(uri, "it does not say which socket; write " + prefix + ":///EXPORT?socket=PATH");
    }
    // libnbd ignores a host here: the export's name with a '/' too few would be forgotten.
    if (!authority.host.empty() || !authority.port.empty()) {
      refuse(uri, "a unix socket has no host; write " + prefix + ":///EXPORT?socket=PATH");
    }
  }
  if (scheme.transport == Transport::tcp) check_port(uri, authority);
  if (scheme.transport == Transport::vsock) check_vsock(uri, scheme, server, authority);
  std::string_view path = front.substr(server.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  uri.export_name = percent_decode(path).value_or("");
  uri.place = place_of_export(uri, scheme.transport, authority);
  return uri;
}

void check_tls_policy(const Uri& uri, bool insecure) {
  // libnbd prefers the key to the certificates when it is given both.
  if (!uses_tls(uri.scheme) || insecure || !uri.tls_psk_file.empty()) return;

  const std::string refused = "refusing to connect to " + uri.name + ": ";
  const std::string any_server = " (" + flag_text("insecure") + " accepts any server)";
  if (uri.scheme != Scheme::nbds) {
    throw Error(ErrorKind::policy,
                refused + "the certificate of a server on " +
                    (uri.scheme == Scheme::nbds_unix ? "a unix socket" : "vsock") +
                    " is not verified; add tls-psk-file=FILE to the URI" + any_server);
  }
  if (uri.tls_certificates.empty()) {
    throw Error(ErrorKind::policy,
                refused +
                    "without a certificate authority the server is not verified; add "
                    "tls-certificates=DIRECTORY or tls-psk-file=FILE to the URI" +
                    any_server);
  }
  // The same question, asked the same way as libnbd asks it.
  const std::string file = uri.tls_certificates + "/ca-cert.pem";
  if (::access(file.c_str(), R_OK) != 0) {
    throw Error(ErrorKind::policy,
                refused + "ca-cert.pem in the directory of tls-certificates= cannot be read (" +
                    errno_text(errno) +
                    "), and without it the server is not verified; put the certificate authority "
                    "there" +
                    any_server);
  }
}

}  // namespace luksdetached
