#include "export/open_export.h"

#include <array>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "crypto/sector_cipher.h"
#include "crypto/secure_memory.h"
#include "export/data_area.h"
#include "export/open_as.h"
#include "export/unlock_header.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

std::unique_ptr<Source> open_payload(const ExportOptions& options, Access access) {
  constexpr unsigned connections = 4;
  return open_as("payload", options.payload,
                 {.access = access,
                  .lock = options.lock,
                  .holes = options.discard,
                  .insecure = options.insecure,
                  .connections = connections});
}

bool has_header_at(Source& payload, std::uint64_t offset) {
  std::array<std::byte, luks::magic_bytes> start{};
  payload.read(start, offset);
  return luks::begins_like_header(start);
}

// Does the payload begin with the very bytes of the header, on whatever path or server?
bool holds_image(Source& payload, const std::vector<std::byte>& image) {
  if (payload.size() < image.size()) return false;
  std::vector<std::byte> start(image.size());
  payload.read(start, 0);
  return start == image;
}

// The mistake that costs most: header and payload exchanged, or the offset forgotten or mistyped.
void refuse_header_in_data(const LoadedHeader& loaded, Source& payload, const DataArea& area) {
  if (has_header_at(payload, area.offset)) {
    throw Error(ErrorKind::policy,
                "there is a LUKS header at byte " + std::to_string(area.offset) +
                    ", where the encrypted data should begin: are header and payload exchanged, or "
                    "does it need payload-offset=?");
  }
  if (area.offset >= loaded.header.end) return;
  if (has_header_at(payload, 0) || holds_image(payload, loaded.image)) {
    throw Error(ErrorKind::policy,
                "it begins with a LUKS header, and its data would begin inside that, at byte " +
                    std::to_string(area.offset) + "; the header has " +
                    std::to_string(loaded.header.end) + " bytes");
  }
}

bool same_file(const std::string& a, const std::string& b) {
  const Uri first = parse_uri(a);
  const Uri second = parse_uri(b);
  if (first.scheme != Scheme::path || second.scheme != Scheme::path) return false;
  std::error_code ignored;
  return std::filesystem::equivalent(first.path, second.path, ignored);
}

DataArea check_payload(const ExportOptions& options, const LoadedHeader& loaded, Source& payload,
                       std::vector<std::string>& warnings) {
  const luks::Header& header = loaded.header;
  try {
    std::vector<std::string> about_payload;
    const DataArea area =
        find_data_area(header.segment, payload.size(), options.payload_offset, about_payload);
    if (area.offset < header.end && same_file(options.headers.front(), options.payload)) {
      throw Error(ErrorKind::policy,
                  "it is the header's own file, and its data would begin at byte " +
                      std::to_string(area.offset) + ", inside the header (" +
                      std::to_string(header.end) + " bytes)");
    }
    refuse_header_in_data(loaded, payload, area);
    for (const std::string& text : about_payload) {
      warnings.push_back("payload " + payload.name() + ": " + text);
    }
    return area;
  } catch (const Error& error) {
    throw Error(error.kind(), "payload " + payload.name() + ": " + error.what(),
                error.errno_code());
  }
}

}  // namespace

OpenedExport open_export(const ExportOptions& options, Access access, RangeLock& payload_lock) {
  const StackWiper stack_wiper;
  OpenedExport opened;
  const Warn warn = [&](const std::string& text) { opened.warnings.push_back(text); };
  const LoadedHeader loaded = read_servable_header(options);
  const luks::Header& header = loaded.header;
  for (const std::string& text : header.warnings) {
    opened.warnings.push_back("header " + parse_uri(options.headers.front()).name + ": " + text);
  }
  std::unique_ptr<Source> payload = open_payload(options, access);
  if (access == Access::read_write && !payload->writable()) {
    opened.warnings.push_back("payload " + payload->name() +
                              ": it cannot be written, so it is served read-only (readonly=true "
                              "says that this is wanted)");
  }
  if (const std::uint64_t bytes = payload->unreachable_bytes()) {
    opened.warnings.push_back(
        "payload " + payload->name() + ": its last " + std::to_string(bytes) +
        " bytes are less than its server's minimum block, and are not served");
  }
  if (payload->writable() && !payload->can_flush()) {
    opened.warnings.push_back("payload " + payload->name() +
                              ": its server can neither flush nor write through (FUA), so clients "
                              "are not offered it either");
  }
  if (options.discard && payload->writable() && !payload->can_discard()) {
    opened.warnings.push_back("payload " + payload->name() +
                              ": its server does not take discards, so clients are not offered "
                              "them in spite of discard=true");
  }
  const DataArea area = check_payload(options, loaded, *payload, opened.warnings);
  const luks::Unlocked unlocked = unlock_header(options, loaded, read_secrets(options, warn), warn);
  std::unique_ptr<SectorCipher> cipher =
      make_sector_cipher(header.segment.cipher, unlocked.volume_key.span(), area.sector_size);

  opened.summary = "LUKS" + std::to_string(header.version) + " volume " + header.uuid +
                   " unlocked by key slot " + std::to_string(unlocked.keyslot) + ": " +
                   header.segment.cipher.text() + " (" + std::string(cipher->kernel()) + "), " +
                   std::to_string(area.size) + " bytes in sectors of " +
                   std::to_string(area.sector_size);
  if (!cipher->constant_time()) {
    opened.warnings.push_back(
        "cipher " + header.segment.cipher.text() +
        ": its portable implementation looks up tables by secret data; other programs on this CPU "
        "could learn about the key from how that changes the cache");
  }
  opened.volume =
      std::make_unique<Volume>(std::move(payload), std::move(cipher), area, payload_lock,
                               options.discard ? Volume::Holes::shown : Volume::Holes::hidden);
  return opened;
}

}  // namespace luksdetached
