// What a user asks of one export, as typed values. Knows nothing of nbdkit, LUKS or NBD.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace luksdetached {

/// Where a passphrase (one line, its newline stripped) is read from.
struct PassphraseFrom {
  enum class Kind { file, standard_input, descriptor };
  Kind kind = Kind::file;
  std::string path;     ///< Kind::file
  int descriptor = -1;  ///< Kind::descriptor, 0 or more

  bool operator==(const PassphraseFrom&) const = default;
};

/// Where the bytes of a secret are read from.
struct SecretFrom {
  enum class Kind {
    file,            ///< a file or FIFO
    descriptor,      ///< an open file of this process
    standard_input,  ///< to its end
    credential,      ///< a file in $CREDENTIALS_DIRECTORY
    program,         ///< what it writes to its standard output
    tokens,          ///< what the volume's own LUKS2 tokens yield
  };
  Kind kind = Kind::file;
  std::string path{};                    ///< Kind::file and Kind::program
  std::vector<std::string> arguments{};  ///< Kind::program, without its name
  std::string credential{};              ///< Kind::credential: the name of the file
  int descriptor = -1;                   ///< Kind::descriptor, 0 or more

  bool operator==(const SecretFrom&) const = default;
};

/// The options of one export: the names are those of the plugin's parameters.
struct ExportOptions {
  std::vector<std::string> headers;          ///< URIs or paths, tried in order
  std::string payload;                       ///< URI or path
  std::vector<SecretFrom> secrets;           ///< key bytes, tried in order
  std::optional<SecretFrom> volume_key;      ///< the volume key itself, instead of secrets
  std::uint64_t secret_offset = 0;           ///< bytes of each secret file to skip
  std::optional<std::uint64_t> secret_size;  ///< bytes to use after that; default: to the end
  std::vector<PassphraseFrom> passphrases;   ///< tried after the secrets, in order
  std::optional<unsigned> keyslot;           ///< only this key slot
  std::uint64_t kdf_memory_max = std::uint64_t{4} << 30;  ///< bytes for one key derivation
  std::uint32_t kdf_iterations_max = 100'000'000;         ///< of one key derivation
  std::optional<unsigned> require_luks;                   ///< only a header of this version
  std::string require_uuid;                               ///< only this volume; empty: any
  std::string require_cipher;                             ///< only this cipher; empty: any
  std::string header_sha256;                    ///< 64 hexadecimal digits; empty: any header
  std::optional<std::uint64_t> payload_offset;  ///< bytes; overrides the header's
  std::chrono::seconds reconnect_timeout{60};   ///< how long requests wait for a lost server
  bool discard = false;                         ///< pass discards on, and tell about holes
  bool lock = true;                             ///< keep a second writer from the payload
  bool readonly = false;                        ///< never written, and served read-only
  bool insecure = false;                        ///< allow what is refused for safety

  bool operator==(const ExportOptions&) const = default;
};

/// A parameter that is unknown, repeated, malformed or missing; `what()` is a sentence for the
/// user that names the parameter. Never holds a passphrase.
class OptionError : public std::exception {
 public:
  explicit OptionError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// What kind of value a parameter takes; in a config file also how it is written.
enum class OptionType { text, size, number, boolean };

/// The names of all parameters.
std::vector<std::string_view> option_names();

/// The type of the parameter `key`, or nothing when there is no such parameter.
std::optional<OptionType> option_type(std::string_view key);

/// May the parameter `key` be given several times?
bool option_repeats(std::string_view key);

/// What options are for. Each purpose but the first requires what the one before it does, and more.
enum class Purpose {
  new_secret,  ///< a secret or a passphrase, and no header
  inspect,     ///< a header
  unlock,      ///< and a secret, a passphrase or the volume key
  serve,       ///< and a payload
};

/// Collects parameters into ExportOptions.
class OptionParser {
 public:
  OptionParser() = default;
  /// For messages where the parameters' names have a `prefix`.
  explicit OptionParser(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Takes one parameter. Throws OptionError.
  void set(std::string_view key, std::string_view value);

  /// Takes a program with arguments, "exec:PATH" in front, as the secret= or volume-key= that `key`
  /// is. Throws OptionError.
  void set_program(std::string_view key, const std::vector<std::string>& words);

  /// All parameters were given: checks that what is required is there. Throws OptionError.
  ExportOptions finish(Purpose purpose = Purpose::serve);

 private:
  void note(std::string_view key, bool repeats);

  std::string prefix_;
  ExportOptions options_;
  std::vector<std::string> seen_;
};

/// Is something for `options` read from this process's standard input?
bool reads_standard_input(const ExportOptions& options);

/// Throws OptionError when something is read to its end for a secret and is to be read for another
/// secret or a passphrase, too.
void check_descriptors(const ExportOptions& options);

/// Bytes, as a number with an optional suffix: b, k, M, G, T, P, E (powers of 1024, either case) or
/// s for sectors of 512, as nbdkit reads sizes. Throws OptionError that names `key` on anything
/// else and on 2^63 or more.
std::uint64_t parse_size(std::string_view key, std::string_view value);

}  // namespace luksdetached
