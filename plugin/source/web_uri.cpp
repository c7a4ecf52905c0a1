// URIs of files on web and SSH servers, and the URLs that are given to nbdkit's curl plugin.
#include <algorithm>

#include "base/error.h"
#include "source/uri_parts.h"

namespace luksdetached {

namespace {

struct Parts {
  std::string_view server;  // with its user
  Authority authority;
  std::string_view path;
  std::optional<std::string_view> query;
};

bool is_ssh_key(std::string_view key) {
  return key == "identity" || key == "known-hosts";
}

// A name or an address; what is in brackets is for others to judge.
bool is_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return host.find(':') != std::string_view::npos &&
           host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return !host.empty() && host.front() != '-' && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

// Takes apart what comes after "SCHEME:", and hides what is to be hidden.
Parts take_apart(Uri& uri, const std::string& scheme, std::string_view rest) {
  if (rest.substr(0, 2) != "//") {
    refuse(uri, "it must begin with " + scheme + "://; a file of such a name is written ./NAME");
  }
  rest.remove_prefix(2);
  if (rest.find('#') != std::string_view::npos) {
    refuse(uri, "it can have no fragment; write '#' as %23");
  }
  if (!is_uri_text(rest)) refuse(uri, std::string(uri_text_rules));

  Parts parts;
  const std::size_t question = rest.find('?');
  const std::string_view front = rest.substr(0, question);
  if (question != std::string_view::npos) parts.query = rest.substr(question + 1);
  parts.server = front.substr(0, front.find('/'));
  parts.authority = split_authority(parts.server);
  parts.path = front.substr(parts.server.size());

  hide(uri, uri.text);
  hide(uri, front.substr(0, end_of_user(front)));
  hide_user(uri, parts.authority.user);
  if (parts.query) hide_query(uri, *parts.query);
  sort_hidden(uri);

  const bool good_port = parts.authority.port.empty() ? !parts.server.ends_with(':')
                                                      : is_number(parts.authority.port, most_port);
  if (!is_host(parts.authority.host) || !good_port) {
    refuse(uri, "after " + scheme +
                    ":// there must be the server's name or address and, after ':', "
                    "its port, from 1 to " +
                    std::to_string(most_port) + ", if that is not the usual one");
  }
  return parts;
}

struct Login {
  std::string user;
  std::optional<std::string> password;
};

Login login_of(const Uri& uri, std::string_view user) {
  Login login;
  const std::size_t colon = user.find(':');
  login.user = percent_decode(user.substr(0, colon)).value_or("");
  if (colon == std::string_view::npos) return login;
  login.password = percent_decode(user.substr(colon + 1)).value_or("");
  if (login.user.empty()) refuse(uri, "it has a password but no user; write USER:PASSWORD@HOST");
  if (login.password->find('\n') != std::string::npos) {
    refuse(uri, "its password holds a newline, which cannot be passed on");
  }
  return login;
}

std::string place_of(const char* kind, const Authority& authority, const char* port,
                     const std::string& path) {
  return std::string(kind) + " " + lower_case(authority.host) + ":" +
         (authority.port.empty() ? port : std::string(authority.port)) + " " + path;
}

void parse_http(Uri& uri, const Parts& parts, bool tls) {
  const Login login = login_of(uri, parts.authority.user);
  const std::string_view server =
      parts.server.substr(parts.authority.user.empty() ? 0 : parts.authority.user.size() + 1);
  std::string url = (tls ? "https://" : "http://") + std::string(server) + std::string(parts.path);
  std::string path = percent_decode(parts.path).value_or("");
  if (parts.query) {
    url.append("?").append(*parts.query);
    path.append("?").append(*parts.query);
  }
  uri.child = HttpFile{tls, url, login.user, login.password};
  uri.place = place_of("web", parts.authority, tls ? "443" : "80", path);
}

void parse_ssh_query(Uri& uri, SshFile& file, std::string_view query) {
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    if (equals == std::string_view::npos || !is_ssh_key(key)) {
      const std::string which =
          key.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos &&
                  equals != std::string_view::npos
              ? ", not " + std::string(key) + "="
              : "";
      refuse(uri, "its query may hold only identity=FILE and known-hosts=FILE, separated by '&'" +
                      which);
    }
    std::string& file_name = key == "identity" ? file.identity : file.known_hosts;
    if (!file_name.empty()) refuse(uri, std::string(key) + "= is given twice; give it once");
    file_name = percent_decode(pair.substr(equals + 1)).value_or("");
    if (!file_name.starts_with('/')) {
      refuse(uri, std::string(key) + "= needs the absolute path of a file");
    }
  }
}

void parse_ssh(Uri& uri, const Parts& parts) {
  const Login login = login_of(uri, parts.authority.user);
  SshFile file;
  file.host = parts.authority.host;
  if (file.host.starts_with('[')) file.host = file.host.substr(1, file.host.size() - 2);
  file.port = parts.authority.port;
  file.user = login.user;
  file.password = login.password;
  file.path = percent_decode(parts.path).value_or("");
  if (file.path.size() < 2) refuse(uri, "it names no file; write ssh://HOST/PATH");
  if (parts.query && !parts.query->empty()) parse_ssh_query(uri, file, *parts.query);
  uri.place = place_of("ssh", parts.authority, "22", normal_path(file.path));
  uri.child = std::move(file);
}

}  // namespace

Uri parse_web_uri(std::string_view scheme_text, std::string_view text) {
  const std::string scheme(scheme_text);
  const bool ssh = scheme == "ssh" || scheme == "sftp";
  Uri uri;
  uri.scheme = Scheme::child;
  uri.text = text;
  const std::string_view rest = text.substr(scheme.size() + 1);
  uri.name = redact(
      scheme, rest, ssh ? is_ssh_key : [](std::string_view) { return false; });
  const Parts parts = take_apart(uri, scheme, rest);
  if (ssh) {
    parse_ssh(uri, parts);
  } else {
    parse_http(uri, parts, scheme == "https");
  }
  return uri;
}

}  // namespace luksdetached
