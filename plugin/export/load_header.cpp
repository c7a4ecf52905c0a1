#include "export/load_header.h"

#include <algorithm>
#include <span>
#include <string>

#include "base/error.h"
#include "export/qcow2_image.h"

namespace luksdetached {

namespace {

// Makes `bytes` hold the first `size` of the source, or all of it when it has fewer.
void extend(std::vector<std::byte>& bytes, Source& source, std::uint64_t size) {
  const std::size_t have = bytes.size();
  const std::size_t want = std::max<std::uint64_t>(have, std::min(size, source.size()));
  bytes.resize(want);
  if (want > have) source.read(std::span(bytes).subspan(have), have);
}

luks::Header parse(std::vector<std::byte>& bytes, Source& source) {
  extend(bytes, source, 4096);
  extend(bytes, source, luks::metadata_size(bytes));
  try {
    return luks::parse_header(bytes);
  } catch (const Error& error) {
    // Where damage hides the real size, the secondary copy may lie further on.
    const bool all_seen = bytes.size() >= std::min(luks::max_metadata_bytes, source.size());
    const bool may_be_damage = error.kind() == ErrorKind::header_damaged ||
                               error.kind() == ErrorKind::unsupported;  // an impossible version
    if (!may_be_damage || all_seen) throw;
  }
  extend(bytes, source, luks::max_metadata_bytes);
  return luks::parse_header(bytes);
}

std::string advice_about(ErrorKind kind, std::span<const std::byte> image, HeaderAdvice advice) {
  if (kind == ErrorKind::not_luks && begins_like_qcow2(image)) {
    return "; it looks like a qcow2 image: qemu:qcow2:PATH reads what is inside";
  }
  if (advice == HeaderAdvice::none) return "";
  if (kind == ErrorKind::not_luks) {
    return "; if there was one, luksdetached header restore puts a backup in its place";
  }
  if (kind == ErrorKind::header_damaged) return "; use a backup of the header instead";
  return "";
}

}  // namespace

LoadedHeader load_header(Source& source, HeaderPart part, HeaderAdvice advice) {
  LoadedHeader loaded;
  try {
    loaded.header = parse(loaded.image, source);
    if (part == HeaderPart::metadata) return loaded;
    if (loaded.header.end > source.size()) {
      throw Error(ErrorKind::header_damaged,
                  "the LUKS header is damaged: it is truncated: its key slots end at byte " +
                      std::to_string(loaded.header.end) + ", there are " +
                      std::to_string(source.size()));
    }
    const bool whole = part == HeaderPart::whole;
    extend(loaded.image, source, whole ? loaded.header.end : loaded.header.key_material_end);
    return loaded;
  } catch (const Error& error) {
    throw Error(error.kind(),
                "header " + source.name() + ": " + error.what() +
                    advice_about(error.kind(), loaded.image, advice),
                error.errno_code());
  }
}

}  // namespace luksdetached
