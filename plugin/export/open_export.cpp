#include "export/open_export.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/option_text.h"
#include "crypto/sector_cipher.h"
#include "crypto/secure_memory.h"
#include "export/data_area.h"
#include "export/open_as.h"
#include "export/qcow2_image.h"
#include "export/unlock_first_header.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

std::unique_ptr<Source> open_payload(const ExportOptions& options, Access access,
                                     const TellNews& tell) {
  constexpr unsigned connections = 4;
  try {
    return open_as("payload", options.payload,
                   {.access = access,
                    .lock = options.lock,
                    .holes = options.discard,
                    .insecure = options.insecure,
                    .connections = connections,
                    .reconnect_timeout = options.reconnect_timeout,
                    .tell = [tell](const std::string& text) { tell("payload: " + text); }});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::payload_in_use) throw;
    throw Error(error.kind(), std::string(error.what()) + ", or serve it read-only (readonly=true)",
                error.errno_code());
  }
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
                    "does it need " +
                    option_text("payload-offset") + "?");
  }
  if (area.offset >= loaded.header.end) return;
  if (has_header_at(payload, 0) || holds_image(payload, loaded.image)) {
    throw Error(ErrorKind::policy,
                "it begins with a LUKS header, and its data would begin inside that, at byte " +
                    std::to_string(area.offset) + "; the header has " +
                    std::to_string(loaded.header.end) + " bytes");
  }
}

// The bytes of an image where what is inside it may be meant. An encrypted payload may begin with
// anything, so this is no more than likely.
bool is_qcow2_as_it_is(const ExportOptions& options, Source& payload) {
  if (std::holds_alternative<QemuImage>(parse_uri(options.payload).child)) return false;
  std::array<std::byte, qcow2_magic.size()> start{};
  payload.read(start, 0);
  return begins_like_qcow2(start);
}

bool same_file(const std::string& a, const std::string& b) {
  const Uri first = parse_uri(a);
  const Uri second = parse_uri(b);
  if (first.scheme != Scheme::path || second.scheme != Scheme::path) return false;
  std::error_code ignored;
  return std::filesystem::equivalent(first.path, second.path, ignored);
}

DataArea check_payload(const ExportOptions& options, const std::string& header_uri,
                       const LoadedHeader& loaded, Source& payload,
                       std::vector<std::string>& warnings) {
  const luks::Header& header = loaded.header;
  try {
    std::vector<std::string> about_payload;
    const DataArea area =
        find_data_area(header.segment, payload.size(), options.payload_offset, about_payload);
    if (area.offset < header.end && same_file(header_uri, options.payload)) {
      throw Error(ErrorKind::policy,
                  "it is the header's own file, and its data would begin at byte " +
                      std::to_string(area.offset) + ", inside the header (" +
                      std::to_string(header.end) + " bytes)");
    }
    refuse_header_in_data(loaded, payload, area);
    if (is_qcow2_as_it_is(options, payload)) {
      about_payload.emplace_back(
          "it looks like a qcow2 image, and is served as it is; qemu:qcow2:PATH serves what is "
          "inside");
    }
    for (const std::string& text : about_payload) {
      warnings.push_back("payload " + payload.name() + ": " + text);
    }
    return area;
  } catch (const Error& error) {
    throw Error(error.kind(), "payload " + payload.name() + ": " + error.what(),
                error.errno_code());
  }
}

// What the log is to say of a payload that was opened.
void warn_about_payload(const ExportOptions& options, Access access, Source& payload,
                        std::vector<std::string>& warnings) {
  const auto warn = [&](const std::string& text) {
    warnings.push_back("payload " + payload.name() + ": " + text);
  };
  if (access == Access::read_write && !payload.writable()) {
    warn(
        "it cannot be written, so it is served read-only (readonly=true says that this is wanted)");
  }
  if (const std::uint64_t bytes = payload.unreachable_bytes()) {
    warn("its last " + std::to_string(bytes) +
         " bytes are less than its server's minimum block, and are not served");
  }
  if (payload.writable() && !payload.can_flush()) {
    warn(
        "its server can neither flush nor write through (FUA), so clients are not offered it "
        "either");
  }
  if (options.discard && payload.writable() && !payload.can_discard()) {
    warn(
        "its server does not take discards, so clients are not offered them in spite of "
        "discard=true");
  }
}

// Only of what answers at once.
bool is_local_header(const std::string& uri) {
  if (parse_uri(uri).scheme != Scheme::path) return false;
  try {
    return has_header_at(*open_as("payload", uri, {.access = Access::read_only, .lock = false}), 0);
  } catch (const Error&) {
    return false;
  }
}

UnlockedHeader unlock_or_explain(const ExportOptions& options, const CheckHeader& check,
                                 std::vector<std::string>& warnings) {
  try {
    return unlock_first_header(options, check, warnings);
  } catch (const Error& error) {
    const bool is_missing = error.kind() == ErrorKind::not_luks && options.headers.size() == 1;
    if (!is_missing || !is_local_header(options.payload)) throw;
    throw Error(error.kind(),
                "header " + parse_uri(options.headers.front()).name +
                    ": there is no LUKS header, but payload " + parse_uri(options.payload).name +
                    " begins with one: are header and payload exchanged?",
                error.errno_code());
  }
}

// How the volume was opened, for the summary.
std::string opened_by(const luks::Unlocked& unlocked) {
  return unlocked.keyslot ? "key slot " + std::to_string(*unlocked.keyslot) : "its volume key";
}

}  // namespace

OpenedExport open_export(const ExportOptions& options, Access access, RangeLock& payload_lock,
                         const TellNews& tell) {
  const StackWiper<64> stack_wiper;  // more than all key derivations together use
  const auto start = std::chrono::steady_clock::now();
  OpenedExport opened;
  std::unique_ptr<Source> payload;
  DataArea area;
  std::vector<std::string> about_area;
  const auto check = [&](const std::string& uri, const LoadedHeader& loaded) {
    if (!payload) {
      payload = open_payload(options, access, tell);
      warn_about_payload(options, access, *payload, opened.warnings);
    }
    about_area.clear();
    area = check_payload(options, uri, loaded, *payload, about_area);
  };
  const UnlockedHeader used = unlock_or_explain(options, check, opened.warnings);
  opened.warnings.insert(opened.warnings.end(), about_area.begin(), about_area.end());
  const luks::Header& header = used.loaded.header;
  std::unique_ptr<SectorCipher> cipher =
      make_sector_cipher(header.segment.cipher, used.unlocked.volume_key.span(), area.sector_size);

  opened.summary = "LUKS" + std::to_string(header.version) + " volume " + header.uuid +
                   " unlocked by " + opened_by(used.unlocked) + ": " +
                   header.segment.cipher.text() + " (" + std::string(cipher->kernel()) + "), " +
                   std::to_string(area.size) + " bytes in sectors of " +
                   std::to_string(area.sector_size);
  opened.facts = {.header = used.name,
                  .keyslot = used.unlocked.keyslot,
                  .cipher = header.segment.cipher.text(),
                  .kernel = std::string(cipher->kernel()),
                  .at = std::chrono::system_clock::now(),
                  .duration = std::chrono::steady_clock::now() - start};
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
