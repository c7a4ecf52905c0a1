#include "export/unlock_header.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "export/open_as.h"
#include "export/required_header.h"
#include "secret/secret.h"
#include "source/uri.h"

namespace luksdetached {

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
    secrets.push_back(read_secret(from, range, warn));
  }
  for (const PassphraseFrom& from : options.passphrases) {
    secrets.push_back(read_passphrase(from, warn));
  }
  return secrets;
}

luks::Unlocked unlock_header(const ExportOptions& options, const LoadedHeader& loaded,
                             std::span<const SecureBuffer> secrets) {
  try {
    luks::KdfBudget budget(
        {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max});
    return luks::unlock(loaded.header, loaded.image, secrets, options.keyslot, budget);
  } catch (const Error& error) {
    throw Error(
        error.kind(),
        "cannot unlock header " + parse_uri(options.headers.front()).name + ": " + error.what(),
        error.errno_code());
  }
}

}  // namespace luksdetached
