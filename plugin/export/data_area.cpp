#include "export/data_area.h"

#include "base/error.h"
#include "base/option_text.h"

namespace luksdetached {

DataArea find_data_area(const luks::Segment& segment, std::uint64_t payload_bytes,
                        std::optional<std::uint64_t> offset_override,
                        std::vector<std::string>& warnings) {
  const std::uint64_t offset = offset_override.value_or(segment.offset);
  const auto too_small = [&](const std::string& why) {
    return Error(ErrorKind::payload_too_small,
                 "it is too small: it has " + std::to_string(payload_bytes) + " bytes, " + why);
  };
  const std::string begins =
      "the encrypted data begin at byte " + std::to_string(offset) +
      (offset_override ? " (" + option_text("payload-offset") + ")" : " (as the header says)");
  if (payload_bytes < offset || payload_bytes - offset < segment.sector_size) {
    throw too_small(begins + " and one sector has " + std::to_string(segment.sector_size));
  }
  const std::uint64_t available = payload_bytes - offset;
  if (segment.size) {
    if (*segment.size > available) {
      throw too_small(begins + " and the header says that there are " +
                      std::to_string(*segment.size));
    }
  }
  const std::uint64_t rest = segment.size ? 0 : available % segment.sector_size;
  if (rest != 0) {
    warnings.push_back("the last " + std::to_string(rest) + " bytes are not a whole sector of " +
                       std::to_string(segment.sector_size) + " and are not served");
  }
  constexpr std::uint64_t plain_wraps_at = std::uint64_t{512} << 32;
  const std::uint64_t size = segment.size.value_or(available - rest);
  if (segment.cipher.iv == "plain" && size > plain_wraps_at) {
    warnings.push_back("cipher '" + segment.cipher.text() +
                       "' repeats its IVs every 2 TiB, and this volume is larger");
  }
  return {offset, size, segment.sector_size, !segment.size};
}

}  // namespace luksdetached
