#include "export/unlock_header.h"

#include <memory>

#include "base/error.h"
#include "export/open_as.h"
#include "export/required_header.h"
#include "luks/volume_key.h"
#include "secret/secret.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

HeaderPart needed_part(const ExportOptions& options) {
  if (!options.header_sha256.empty()) return HeaderPart::whole;
  return opener_of(options) == luks::Opener::volume_key ? HeaderPart::metadata
                                                        : HeaderPart::key_material;
}

// Runs `step`; what it throws gets `role` ("header") and the name of `uri` in front.
template <typename Step>
auto of_header(const std::string& role, const std::string& uri, Step step) {
  try {
    return step();
  } catch (const Error& error) {
    throw Error(error.kind(), role + " " + parse_uri(uri).name + ": " + error.what(),
                error.errno_code());
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

std::vector<SecureBuffer> read_secrets(const ExportOptions& options) {
  std::vector<SecureBuffer> secrets;
  if (options.volume_key) {
    secrets.push_back(read_secret_file(options.volume_key->path, 0, std::nullopt));
    return secrets;
  }
  secrets.reserve(options.secrets.size() + options.passphrases.size());
  for (const SecretFrom& from : options.secrets) {
    secrets.push_back(read_secret_file(from.path, options.secret_offset, options.secret_size));
  }
  for (const PassphraseFrom& from : options.passphrases) secrets.push_back(read_passphrase(from));
  return secrets;
}

luks::KdfBudget kdf_budget(const ExportOptions& options) {
  return luks::KdfBudget(
      {.memory_max = options.kdf_memory_max, .iterations_max = options.kdf_iterations_max});
}

luks::Unlocked unlock_header(const ExportOptions& options, const std::string& uri,
                             const LoadedHeader& loaded, std::span<const SecureBuffer> secrets,
                             luks::KdfBudget& budget) {
  return of_header("cannot unlock header", uri, [&] {
    return options.volume_key
               ? luks::unlock_with_volume_key(loaded.header, secrets.front(), budget)
               : luks::unlock(loaded.header, loaded.image, secrets, options.keyslot, budget);
  });
}

}  // namespace luksdetached
