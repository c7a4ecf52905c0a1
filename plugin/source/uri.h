// What users type for a header or a payload, taken apart, and what of it may be shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/child_source.h"

namespace luksdetached {

enum class Scheme { path, nbd, nbds, nbd_unix, nbds_unix, nbd_vsock, nbds_vsock, child };

/// A source's address. A value; made by `parse_uri`.
struct Uri {
  Scheme scheme = Scheme::path;
  std::string text;              ///< as given, but for relative paths in the query of an NBD URI,
                                 ///< which are made absolute; holds credentials: never for messages
                                 ///< or logs
  std::string name;              ///< for messages and logs: redacted, no control characters
  std::string path;              ///< Scheme::path only: of the file or block device, decoded
  std::string socket;            ///< NBD over a unix socket only: its absolute path, decoded
  std::string export_name;       ///< NBD only: decoded
  std::string tls_certificates;  ///< NBD with TLS only: the query's directory, absolute and
                                 ///< decoded, or empty
  std::string
      tls_psk_file;   ///< NBD with TLS only: the query's file, absolute and decoded, or empty
  ChildSource child;  ///< Scheme::child only: what the child server is to serve
  std::string place;  ///< equal for two URIs that name one place, as far as their text tells; holds
                      ///< what messages must not show
  std::vector<std::string> hidden;  ///< what `scrub` removes, the longest first
};

/// Takes a path or a URI apart; looks at no file and no server. Relative paths in an NBD URI are
/// from the directory that is current now.
///
/// Only NBD URIs that libnbd reads the very same way are accepted: its quirks (a fragment that
/// swallows a parameter, the last of two parameters, `;` as a separator at times, NUL) are refused
/// instead of imitated, so that a parameter found here is one that libnbd finds too.
/// Throws Error(usage), or Error(unsupported) for an image format that is not served.
Uri parse_uri(std::string_view text);

/// Is it an NBD URI with TLS?
bool uses_tls(Scheme scheme) noexcept;

/// Throws Error(policy) for an NBD URI with TLS whose server libnbd would not verify, unless
/// `insecure`.
///
/// libnbd verifies a certificate only of a server with a host name, and only when it can read
/// `ca-cert.pem` in the directory that `tls-certificates` names; without that file it falls back,
/// silently, to encryption with whoever answers, or (1.22) with whom the machine's authorities
/// know. A pre-shared key needs neither.
void check_tls_policy(const Uri& uri, bool insecure);

/// `message`, which another library or program made, without the user information and the query
/// values of `uri`, and with control characters escaped.
std::string scrub(const Uri& uri, std::string message);

/// `text` with what `shown_character_bytes` finds unfit to be shown as `\xNN`, so that a name can
/// neither forge a log line nor steer a terminal.
std::string escape_control(std::string_view text);

}  // namespace luksdetached
