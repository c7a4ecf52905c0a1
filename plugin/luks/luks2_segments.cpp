#include "luks/luks2_segments.h"

#include <algorithm>

#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

constexpr std::uint64_t smallest_sector = 512;

std::string parse_integrity(const Node& integrity) {
  integrity.text("journal_encryption");
  integrity.text("journal_integrity");
  return integrity.text("type");
}

void parse_type_crypt(const Node& node, Luks2Segment& entry) {
  Segment& segment = entry.segment;
  const std::uint32_t sector_size = node.u32("sector_size");
  const bool known_size =
      sector_size == 512 || sector_size == 1024 || sector_size == 2048 || sector_size == 4096;
  if (!known_size) {
    throw node.child("sector_size").complaint("is not 512, 1024, 2048 or 4096");
  }
  segment.sector_size = sector_size;
  if (segment.size && *segment.size % sector_size != 0) {
    throw node.child("size").complaint("is not a multiple of the sector size");
  }
  segment.encryption = node.text("encryption");
  entry.iv_tweak = node.u64("iv_tweak");
  if (node.has("integrity")) entry.integrity = parse_integrity(node.object("integrity"));
}

Luks2Segment parse_segment(unsigned id, const Node& node) {
  Luks2Segment entry;
  entry.id = id;
  entry.path = node.path();
  entry.type = node.text("type");
  entry.flags = node.shown_texts("flags");
  entry.segment.offset = node.u64("offset");
  if (entry.segment.offset % smallest_sector != 0) {
    throw node.child("offset").complaint("is not a multiple of 512");
  }
  if (node.text("size") != "dynamic") {
    const std::uint64_t size = node.u64("size");
    if (size == 0 || size % smallest_sector != 0) {
      throw node.child("size").complaint("is not a multiple of 512 above 0");
    }
    if (size > UINT64_MAX - entry.segment.offset) {
      throw node.child("size").complaint("goes beyond 2^64 bytes");
    }
    entry.segment.size = size;
  }
  if (entry.type == "crypt") parse_type_crypt(node, entry);
  return entry;
}

void check_numbers(const std::vector<Luks2Segment>& segments) {
  bool backups = false;
  for (std::size_t n = 0; n < segments.size(); ++n) {
    if (segments[n].id != n) throw damaged("JSON segments." + std::to_string(n) + " is missing");
    if (backups && !segments[n].is_backup()) {
      throw damaged("JSON " + segments[n].path + " comes behind a backup of a segment");
    }
    backups = segments[n].is_backup();
  }
  if (segments.empty() || segments.front().is_backup()) {
    throw damaged("JSON segments is empty, or has only backups");
  }
}

// The regular segments are parts of the payload in their order.
void check_places(const std::vector<Luks2Segment>& segments, std::uint64_t areas_end) {
  std::uint64_t first_offset = UINT64_MAX;
  const Luks2Segment* before = nullptr;
  for (const Luks2Segment& entry : segments) {
    if (entry.is_backup()) break;
    const std::uint64_t offset = entry.segment.offset;
    if (before != nullptr) {
      const Segment& previous = before->segment;
      if (!previous.size) {
        throw damaged("JSON " + before->path + " has no size, and is not the last one");
      }
      // Whatever their order in the payload, no byte may be in two.
      for (const Luks2Segment& other : segments) {
        if (&other == &entry) break;
        const std::uint64_t end = other.segment.offset + *other.segment.size;
        const bool behind = offset >= end;
        const bool ahead =
            entry.segment.size && offset + *entry.segment.size <= other.segment.offset;
        if (!behind && !ahead) {
          throw damaged("JSON " + other.path + " and " + entry.path + " overlap");
        }
      }
    }
    first_offset = std::min(first_offset, offset);
    before = &entry;
  }
  // In a detached header, data begin at 0: in another file.
  if (first_offset != 0 && first_offset < areas_end) {
    throw damaged("JSON segments: the data begin at byte " + std::to_string(first_offset) +
                  ", which lies inside the header and its key slot area");
  }
}

}  // namespace

bool Luks2Segment::has_flag(const std::string& flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

bool Luks2Segment::is_backup() const {
  return std::any_of(flags.begin(), flags.end(),
                     [](const std::string& flag) { return flag.starts_with("backup-"); });
}

std::vector<Luks2Segment> parse_luks2_segments(const Node& segments, const Luks2Config& config) {
  std::vector<Luks2Segment> entries;
  segments.for_each_numbered(
      [&](unsigned id, const Node& node) { entries.push_back(parse_segment(id, node)); });
  std::sort(entries.begin(), entries.end(),
            [](const Luks2Segment& a, const Luks2Segment& b) { return a.id < b.id; });
  check_numbers(entries);
  check_places(entries, config.areas_end);
  return entries;
}

}  // namespace luksdetached::luks
