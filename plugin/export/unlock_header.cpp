#include "export/unlock_header.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.h"
#include "export/open_as.h"
#include "export/required_header.h"
#include "export/unlock_by_tokens.h"
#include "secret/secret.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

bool asks_tokens(const ExportOptions& options) {
  return std::any_of(options.secrets.begin(), options.secrets.end(),
                     [](const SecretFrom& from) { return from.kind == SecretFrom::Kind::tokens; });
}

// Tokens come last: they may have to ask somebody.
luks::Unlocked unlock_by_all(const ExportOptions& options, const LoadedHeader& loaded,
                             std::span<const SecureBuffer> secrets, luks::KdfBudget& budget,
                             const Warn& warn) {
  if (!asks_tokens(options)) {
    return luks::unlock(loaded.header, loaded.image, secrets, options.keyslot, budget);
  }
  std::string before;
  if (!secrets.empty()) {
    try {
      return luks::unlock(loaded.header, loaded.image, secrets, options.keyslot, budget);
    } catch (const Error& error) {
      before = std::string(error.what()) + "; ";
    }
  }
  try {
    return unlock_by_tokens(loaded.header, loaded.image, options.keyslot, budget, warn);
  } catch (const Error& error) {
    throw Error(error.kind(), before + error.what(), error.errno_code());
  }
}

}  // namespace

LoadedHeader read_header(const ExportOptions& options, HeaderPart part) {
  const std::unique_ptr<Source> source =
      open_as("header", options.headers.front(),
              {.access = Access::read_only, .lock = false, .insecure = options.insecure});
  return load_header(*source, part);
}

LoadedHeader read_servable_header(const ExportOptions& options) {
  const bool pinned = !options.header_sha256.empty();
  LoadedHeader loaded = read_header(options, pinned ? HeaderPart::whole : HeaderPart::key_material);
  try {
    check_required_header(options, loaded);
    luks::check_servable(loaded.header);
  } catch (const Error& error) {
    throw Error(error.kind(),
                "header " + parse_uri(options.headers.front()).name + ": " + error.what(),
                error.errno_code());
  }
  return loaded;
}

std::vector<SecureBuffer> read_secrets(const ExportOptions& options, const Warn& warn) {
  std::vector<SecureBuffer> secrets;
  secrets.reserve(options.secrets.size() + options.passphrases.size());
  const SecretRange range{options.secret_offset, options.secret_size};
  for (const SecretFrom& from : options.secrets) {
    if (from.kind == SecretFrom::Kind::tokens) continue;
    secrets.push_back(read_secret(from, range, warn));
  }
  for (const PassphraseFrom& from : options.passphrases) {
    secrets.push_back(read_passphrase(from, warn));
  }
  return secrets;
}

luks::Unlocked unlock_header(const ExportOptions& options, const LoadedHeader& loaded,
                             std::span<const SecureBuffer> secrets, const Warn& warn) {
  try {
    luks::KdfBudget budget(
        {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max});
    return unlock_by_all(options, loaded, secrets, budget, warn);
  } catch (const Error& error) {
    throw Error(
        error.kind(),
        "cannot unlock header " + parse_uri(options.headers.front()).name + ": " + error.what(),
        error.errno_code());
  }
}

}  // namespace luksdetached
