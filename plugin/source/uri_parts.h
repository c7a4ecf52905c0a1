// What the parsers of the kinds of URIs share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/uri.h"

namespace luksdetached {

// --- The kinds: each takes the whole text, whose scheme is one of its own ---

bool is_nbd_scheme(std::string_view scheme) noexcept;
Uri parse_nbd_uri(std::string_view scheme, std::string_view text);
Uri parse_web_uri(std::string_view scheme, std::string_view text);  ///< http, https, ssh, sftp
Uri parse_nbdkit_uri(std::string_view text);
Uri parse_qemu_uri(std::string_view text);

// --- What they are made of ---

/// Nothing when a '%' has no two hexadecimal digits, or when they say NUL.
std::optional<std::string> percent_decode(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);

/// Is every character one that RFC 3986 allows somewhere, and every '%' followed by two hexadecimal
/// digits that are not NUL's?
bool is_uri_text(std::string_view text);
/// What to say when it is not.
extern const std::string_view uri_text_rules;

struct Authority {
  std::string_view user;  ///< all before the last '@', still encoded
  std::string_view host;  ///< in brackets if it was
  std::string_view port;  ///< empty when not given
};
Authority split_authority(std::string_view authority);

/// Of TCP.
constexpr unsigned long most_port = 65535;

/// A decimal number from 1 to `most`.
bool is_number(std::string_view text, unsigned long most);

// --- What may be shown ---

/// Where what may be user information ends: after the last '@', however it is written.
std::size_t end_of_user(std::string_view text);

/// A URI that can be shown, also when it is malformed: a password may hold '/', '?' or '#' that its
/// user forgot to encode, so whatever is before the last '@' is taken for user information unless
/// what is between is certainly a query, whose keys are among those that `is_key` knows.
std::string redact(std::string_view scheme, std::string_view rest,
                   bool (*is_key)(std::string_view));

/// Throws Error(usage).
[[noreturn]] void refuse(const Uri& uri, const std::string& what);

/// What takes the place of what is hidden.
inline constexpr std::string_view hidden_mark = "…";

/// Adds to what `scrub` removes, as it is and decoded.
void hide(Uri& uri, std::string_view secret);
/// The same for user information, as a whole and in its parts.
void hide_user(Uri& uri, std::string_view user);
/// The same for a query and its values.
void hide_query(Uri& uri, std::string_view query);
/// To be called when all is hidden.
void sort_hidden(Uri& uri);

// --- Places ---

std::string normal_path(std::string_view path);
std::string place_of_file(const std::string& path);
std::string lower_case(std::string_view text);

}  // namespace luksdetached
