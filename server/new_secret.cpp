#include "new_secret.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "secret/secret.h"

namespace luksdetached {

namespace {

bool is_typed(const PassphraseFrom& from) {
  return from.kind == PassphraseFrom::Kind::standard_input && isatty(STDIN_FILENO) == 1;
}

}  // namespace

void NewSecretArguments::add(CLI::App& command) {
  arguments_.add(command, "secret", "SECRET", "where the new key bytes are, as for --secret");
  arguments_.add(command, "secret-offset", "SIZE", "bytes of the new secret to skip");
  arguments_.add(command, "secret-size", "SIZE", "bytes of the new secret to use");
  arguments_.add(command, "passphrase", "+FILE|-|-FD", "the new passphrase, as for --passphrase");
}

ExportOptions NewSecretArguments::options(const ExportOptions& old) {
  arguments_.ask_unless_given("--new-secret SECRET or --new-passphrase +FILE is missing");
  ExportOptions options = arguments_.options(Purpose::new_secret);
  check_single_secret(options);
  ExportOptions all = old;
  all.secrets.insert(all.secrets.end(), options.secrets.begin(), options.secrets.end());
  all.passphrases.insert(all.passphrases.end(), options.passphrases.begin(),
                         options.passphrases.end());
  check_descriptors(all);
  return options;
}

void check_single_secret(const ExportOptions& options) {
  if (options.secrets.size() + options.passphrases.size() == 1) return;
  throw OptionError("one key slot has one secret: more than one is given for it");
}

SecureBuffer read_new_secret(const ExportOptions& options, const Warn& warn) {
  if (!options.secrets.empty()) {
    return read_secret(options.secrets.front(), {options.secret_offset, options.secret_size}, warn);
  }
  const PassphraseFrom& from = options.passphrases.front();
  if (!is_typed(from)) return read_passphrase(from, warn);
  SecureBuffer passphrase = read_passphrase(from, warn, "new passphrase: ");
  const SecureBuffer again = read_passphrase(from, warn, "the same again: ");
  if (!std::ranges::equal(passphrase.span(), again.span())) {
    throw Error(ErrorKind::usage, "the two passphrases are not the same; nothing was changed");
  }
  return passphrase;
}

}  // namespace luksdetached
