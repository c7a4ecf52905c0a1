#include "export/open_export.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "crypto/sector_cipher.h"
#include "export/data_area.h"
#include "export/load_header.h"
#include "luks/unlock.h"
#include "secret/secret.h"
#include "source/open_source.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

LoadedHeader read_header(const ExportOptions& options) {
  const std::unique_ptr<Source> source = open_source(
      options.header,
      {.access = Access::read_only, .lock = false, .insecure = options.insecure, .connections = 1});
  return load_header(*source);
}

std::unique_ptr<Source> open_payload(const ExportOptions& options, Access access) {
  constexpr unsigned connections = 4;
  return open_source(options.payload, {.access = access,
                                       .lock = options.lock,
                                       .insecure = options.insecure,
                                       .connections = connections});
}

// The mistake that costs most: header and payload exchanged, or the offset forgotten. Ciphertext
// begins like a LUKS header once in 2^48 times.
void refuse_header_in_data(Source& payload, const DataArea& area) {
  std::array<std::byte, 6> start{};
  payload.read(start, area.offset);
  constexpr std::string_view luks{"LUKS\xba\xbe", 6};
  const bool is_header =
      std::equal(start.begin(), start.end(), luks.begin(),
                 [](std::byte b, char c) { return b == static_cast<std::byte>(c); });
  if (is_header) {
    throw Error(ErrorKind::policy,
                "there is a LUKS header at byte " + std::to_string(area.offset) +
                    ", where the encrypted data should begin: are header and payload exchanged, or "
                    "does it need payload-offset=?");
  }
}

bool same_file(const std::string& a, const std::string& b) {
  const Uri first = parse_uri(a);
  const Uri second = parse_uri(b);
  if (first.scheme != Scheme::path || second.scheme != Scheme::path) return false;
  std::error_code ignored;
  return std::filesystem::equivalent(first.path, second.path, ignored);
}

DataArea check_payload(const ExportOptions& options, const luks::Header& header, Source& payload,
                       std::vector<std::string>& warnings) {
  try {
    std::vector<std::string> about_payload;
    const DataArea area =
        find_data_area(header.segment, payload.size(), options.payload_offset, about_payload);
    if (area.offset < header.end && same_file(options.header, options.payload)) {
      throw Error(ErrorKind::policy,
                  "it is the header's own file, and its data would begin at byte " +
                      std::to_string(area.offset) + ", inside the header (" +
                      std::to_string(header.end) + " bytes)");
    }
    refuse_header_in_data(payload, area);
    for (const std::string& text : about_payload) {
      warnings.push_back("payload " + payload.name() + ": " + text);
    }
    return area;
  } catch (const Error& error) {
    throw Error(error.kind(), "payload " + payload.name() + ": " + error.what(),
                error.errno_code());
  }
}

std::vector<SecureBuffer> read_secrets(const ExportOptions& options) {
  std::vector<SecureBuffer> secrets;
  for (const std::string& path : options.secrets) {
    secrets.push_back(read_secret_file(path, options.secret_offset, options.secret_size));
  }
  for (const PassphraseFrom& from : options.passphrases) secrets.push_back(read_passphrase(from));
  return secrets;
}

luks::Unlocked unlock(const ExportOptions& options, const LoadedHeader& loaded) {
  const std::vector<SecureBuffer> secrets = read_secrets(options);
  try {
    return luks::unlock(loaded.header, loaded.image, secrets, options.keyslot);
  } catch (const Error& error) {
    throw Error(error.kind(),
                "cannot unlock header " + parse_uri(options.header).name + ": " + error.what(),
                error.errno_code());
  }
}

}  // namespace

OpenedExport open_export(const ExportOptions& options, Access access) {
  OpenedExport opened;
  const LoadedHeader loaded = read_header(options);
  const luks::Header& header = loaded.header;
  for (const std::string& text : header.warnings) {
    opened.warnings.push_back("header " + parse_uri(options.header).name + ": " + text);
  }
  std::unique_ptr<Source> payload = open_payload(options, access);
  const DataArea area = check_payload(options, header, *payload, opened.warnings);
  const luks::Unlocked unlocked = unlock(options, loaded);
  std::unique_ptr<SectorCipher> cipher =
      make_sector_cipher(header.segment.cipher, unlocked.volume_key.span(), area.sector_size);

  opened.summary = "LUKS" + std::to_string(header.version) + " volume " + header.uuid +
                   " unlocked by key slot " + std::to_string(unlocked.keyslot) + ": " +
                   header.segment.cipher.text() + " (" + std::string(cipher->kernel()) + "), " +
                   std::to_string(area.size) + " bytes in sectors of " +
                   std::to_string(area.sector_size);
  opened.volume = std::make_unique<Volume>(std::move(payload), std::move(cipher), area);
  return opened;
}

}  // namespace luksdetached
