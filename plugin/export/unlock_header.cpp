#include "export/unlock_header.h"

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.h"
#include "export/of_header.h"
#include "export/open_as.h"
#include "export/required_header.h"
#include "export/unlock_by_tokens.h"
#include "luks/volume_key.h"
#include "secret/secret.h"

namespace luksdetached {

namespace {

HeaderPart needed_part(const ExportOptions& options) {
  if (!options.header_sha256.empty()) return HeaderPart::whole;
  return opener_of(options) == luks::Opener::volume_key ? HeaderPart::metadata
                                                        : HeaderPart::key_material;
}

bool asks_tokens(const ExportOptions& options) {
  return std::any_of(options.secrets.begin(), options.secrets.end(),
                     [](const SecretFrom& from) { return from.kind == SecretFrom::Kind::tokens; });
}

// Tokens come last: they may have to ask somebody.
luks::Unlocked unlock_by_secrets(const ExportOptions& options, const LoadedHeader& loaded,
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

LoadedHeader read_header(const ExportOptions& options, const std::string& uri, HeaderPart part) {
  const std::unique_ptr<Source> source = open_as(
      "header", uri, {.access = Access::read_only, .lock = false, .insecure = options.insecure});
  return load_header(*source, part);
}

LoadedHeader read_required_header(const ExportOptions& options, const std::string& uri) {
  LoadedHeader loaded = read_header(options, uri, needed_part(options));
  of_header("header", uri, [&] { check_required_header(options, loaded); });
  return loaded;
}

void check_servable(const std::string& uri, const luks::Header& header, luks::Opener opener) {
  of_header("header", uri, [&] { luks::check_servable(header, opener); });
}

luks::Opener opener_of(const ExportOptions& options) noexcept {
  return options.volume_key ? luks::Opener::volume_key : luks::Opener::secret;
}

std::vector<SecureBuffer> read_secrets(const ExportOptions& options, const Warn& warn) {
  std::vector<SecureBuffer> secrets;
  if (options.volume_key) {
    secrets.push_back(read_secret(*options.volume_key, {}, warn));
    return secrets;
  }
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

luks::KdfBudget kdf_budget(const ExportOptions& options) {
  return luks::KdfBudget(
      {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max});
}

luks::Unlocked unlock_header(const ExportOptions& options, const std::string& uri,
                             const LoadedHeader& loaded, std::span<const SecureBuffer> secrets,
                             luks::KdfBudget& budget, const Warn& warn) {
  return of_header("cannot unlock header", uri, [&] {
    return options.volume_key ? luks::unlock_with_volume_key(loaded.header, secrets.front(), budget)
                              : unlock_by_secrets(options, loaded, secrets, budget, warn);
  });
}

}  // namespace luksdetached
