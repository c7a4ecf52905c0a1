// The JSON area of LUKS2 (cryptsetup's docs/on-disk-format-luks2, chapter 3).
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "crypto/sector_cipher.h"
#include "luks/base64.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

using nlohmann::json;

constexpr unsigned max_depth = 16;      // what cryptsetup writes has 5
constexpr unsigned max_values = 65536;  // and with all slots in use, less than 2000
constexpr unsigned max_id = 31;
constexpr std::uint64_t binary_bytes = 4096;
constexpr std::uint64_t max_area_bytes = std::uint64_t{128} << 20;
constexpr std::size_t max_key_bytes = 512;
constexpr std::uint32_t max_stripes = 65536;

// A name may be anything in a hostile header; what is shown of it is not.
std::string printable(const std::string& name) {
  std::string shown;
  for (const char c : name.substr(0, 40)) shown += c >= 0x20 && c <= 0x7e ? c : '?';
  return shown;
}

// A JSON value that knows where it stands, so that every complaint names the place.
class Node {
 public:
  Node(const json& value, std::string path) : value_(value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  const json& value() const { return value_; }

  Error complaint(const std::string& what) const { return damaged("JSON " + path_ + " " + what); }

  bool has(const char* name) const { return value_.contains(name); }

  Node child(const std::string& name) const {
    const auto found = value_.find(name);
    if (found == value_.end()) throw damaged("JSON " + member_path(name) + " is missing");
    return {*found, member_path(name)};
  }

  Node object(const std::string& name) const {
    Node node = child(name);
    if (!node.value_.is_object()) throw node.complaint("is not an object");
    return node;
  }

  Node array(const std::string& name) const {
    Node node = child(name);
    if (!node.value_.is_array()) throw node.complaint("is not an array");
    return node;
  }

  std::string text(const std::string& name) const { return child(name).as_text(); }

  std::string as_text() const {
    if (!value_.is_string()) throw complaint("is not a string");
    const auto& text = value_.get_ref<const std::string&>();
    if (text.empty()) throw complaint("is empty");
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (!printable) throw complaint("holds characters that are not printable ASCII");
    return text;
  }

  std::uint32_t u32(const std::string& name) const {
    const Node node = child(name);
    if (!node.value_.is_number_unsigned() || node.value_.get<std::uint64_t>() > UINT32_MAX) {
      throw node.complaint("is not a whole number from 0 to 4294967295");
    }
    return node.value_.get<std::uint32_t>();
  }

  std::uint32_t positive_u32(const std::string& name) const {
    const std::uint32_t number = u32(name);
    if (number == 0) throw child(name).complaint("is 0");
    return number;
  }

  // LUKS2 writes 64-bit numbers as strings of decimal digits.
  std::uint64_t u64(const std::string& name) const {
    const Node node = child(name);
    const std::string text = node.as_text();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
      throw node.complaint("is not a decimal number below 2^64");
    }
    return number;
  }

  std::vector<std::byte> base64(const std::string& name) const {
    const Node node = child(name);
    std::optional<std::vector<std::byte>> bytes = decode_base64(node.as_text());
    if (!bytes) throw node.complaint("is not base64");
    return std::move(*bytes);
  }

  template <typename Use>
  void for_each_member(Use use) const {
    for (const auto& [name, member] : value_.items()) use(name, Node(member, member_path(name)));
  }

  template <typename Use>
  void for_each_element(Use use) const {
    std::size_t index = 0;
    for (const json& element : value_) {
      use(Node(element, path_ + "[" + std::to_string(index++) + "]"));
    }
  }

 private:
  std::string member_path(const std::string& name) const {
    return path_.empty() ? printable(name) : path_ + "." + printable(name);
  }

  const json& value_;
  std::string path_;
};

// Looks at the structure before anything is built from it: the library would keep the last of
// several equal names, which lets one reader see another volume than the next reader does, and it
// would build any amount of values that fits into four megabytes.
class StructureCheck final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override {
    names_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    throw damaged("its JSON has the name '" + printable(name) + "' twice in one object");
  }
  bool end_object() override {
    names_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    throw damaged("its JSON is not valid at byte " + std::to_string(position));
  }

 private:
  bool count() {
    if (++values_ > max_values) {
      throw damaged("its JSON has more than " + std::to_string(max_values) + " values");
    }
    return true;
  }
  bool enter() {
    if (++depth_ > max_depth) throw damaged("its JSON is nested too deeply");
    return count();
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::vector<std::set<std::string>> names_;  // of the objects around the current place
  unsigned depth_ = 0;
  unsigned values_ = 0;
};

json parse_json(std::string_view text) {
  StructureCheck check;
  json::sax_parse(text, &check);
  try {
    return json::parse(text);
  } catch (const json::exception&) {
    throw damaged("its JSON is not valid");  // a number out of range, for one
  }
}

unsigned parse_id(const std::string& name, const Node& node) {
  unsigned id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  const bool whole = error == std::errc{} && end == name.data() + name.size();
  if (!whole || id > max_id || std::to_string(id) != name) {
    throw node.complaint("is not numbered from 0 to 31");
  }
  return id;
}

// The numbers in an array of references; each must be a member of `target`.
std::set<unsigned> references(const Node& array, const Node& target) {
  std::set<unsigned> ids;
  array.for_each_element([&](const Node& element) {
    const std::string name = element.as_text();
    if (!target.value().contains(name)) {
      throw element.complaint("refers to " + target.path() + "." + name.substr(0, 40) +
                              ", which does not exist");
    }
    ids.insert(parse_id(name, element));
  });
  return ids;
}

// ---- config ----

Error reencryption_refused() {
  return {ErrorKind::unsupported,
          "the volume is being reencrypted, which is not supported: finish it with "
          "'cryptsetup reencrypt --resume-only' first"};
}

void check_requirements(const Node& config) {
  if (!config.has("requirements")) return;
  const Node requirements = config.object("requirements");
  if (!requirements.has("mandatory")) return;
  requirements.array("mandatory").for_each_element([](const Node& element) {
    const std::string name = element.as_text();
    if (name.find("reencrypt") != std::string::npos) throw reencryption_refused();
    throw Error(ErrorKind::unsupported,
                "the header requires '" + name +
                    "', which this version does not know; serving the volume without it could "
                    "damage it");
  });
}

// Checks the sizes and returns the end of the key slot area.
std::uint64_t areas_end(const Node& config, std::uint64_t metadata_bytes) {
  if (config.u64("json_size") != metadata_bytes - binary_bytes) {
    throw config.child("json_size").complaint("does not match the binary header");
  }
  const std::uint64_t keyslots_bytes = config.u64("keyslots_size");
  if (keyslots_bytes % 4096 != 0 || keyslots_bytes > max_area_bytes) {
    throw config.child("keyslots_size").complaint("is not a multiple of 4096 up to 128 MiB");
  }
  return 2 * metadata_bytes + keyslots_bytes;
}

// ---- key slots ----

Pbkdf2Cost parse_pbkdf2(const Node& node) {
  const std::string name = node.text("hash");
  const std::uint32_t iterations = node.positive_u32("iterations");
  const std::optional<Hash> hash = find_hash(name);
  if (!hash) throw Error(ErrorKind::unsupported, "hash '" + name + "' is not supported");
  return {*hash, iterations};
}

Kdf parse_kdf(const Node& node) {
  Kdf kdf;
  kdf.salt = node.base64("salt");
  const std::string type = node.text("type");
  if (type == "pbkdf2") {
    kdf.cost = parse_pbkdf2(node);
  } else if (type == "argon2i" || type == "argon2id") {
    const Argon2Cost cost{node.positive_u32("time"), node.positive_u32("memory"),
                          node.positive_u32("cpus")};
    if (cost.memory_kib / 8 < cost.lanes) {
      throw node.child("memory").complaint("is less than 8 KiB for each of the cpus");
    }
    if (kdf.salt.size() < 8) throw node.child("salt").complaint("is shorter than 8 bytes");
    kdf.cost = Argon2Kdf{type == "argon2i" ? Argon2Variant::i : Argon2Variant::id, cost};
  } else {
    throw Error(ErrorKind::unsupported, "key derivation '" + type + "' is not supported");
  }
  return kdf;
}

void parse_area_geometry(const Node& area, Keyslot& slot, std::uint64_t metadata_bytes,
                         std::uint64_t end_of_areas) {
  if (area.text("type") != "raw") throw area.child("type").complaint("is not raw");
  slot.area_offset = area.u64("offset");
  const std::uint64_t size = area.u64("size");
  if (slot.area_offset < 2 * metadata_bytes || size == 0 || slot.area_offset > end_of_areas ||
      size > end_of_areas - slot.area_offset) {
    throw area.complaint("does not lie in the key slot area (bytes " +
                         std::to_string(2 * metadata_bytes) + " to " +
                         std::to_string(end_of_areas) + ")");
  }
  slot.area_bytes = af_area_bytes(slot.key_bytes, slot.af_stripes);
  if (slot.area_bytes > size) {
    throw area.complaint("is too small for " + std::to_string(slot.af_stripes) +
                         " stripes of the key");
  }
}

Keyslot parse_keyslot(unsigned id, const Node& node, std::uint64_t metadata_bytes,
                      std::uint64_t end_of_areas) {
  const std::string type = node.text("type");
  if (type == "reencrypt") throw reencryption_refused();
  if (type != "luks2") {
    throw Error(ErrorKind::unsupported,
                node.path() + ": key slot type '" + type + "' is not supported");
  }
  Keyslot slot;
  slot.id = id;
  slot.key_bytes = node.positive_u32("key_size");
  if (slot.key_bytes > max_key_bytes) throw node.child("key_size").complaint("is above 512 bytes");
  if (node.has("priority")) {
    slot.priority = node.u32("priority");
    if (slot.priority > 2) throw node.child("priority").complaint("is not 0, 1 or 2");
  }
  const Node af = node.object("af");
  if (af.text("type") != "luks1") throw af.child("type").complaint("is not luks1");
  slot.af_stripes = af.positive_u32("stripes");
  // Nothing writes another number than 4000; each costs a hash of the key.
  if (slot.af_stripes > max_stripes) throw af.child("stripes").complaint("is above 65536");
  const std::string af_hash = af.text("hash");
  const Node kdf = node.object("kdf");
  const Node area = node.object("area");
  parse_area_geometry(area, slot, metadata_bytes, end_of_areas);
  slot.area_key_bytes = area.u32("key_size");
  const std::string area_cipher = area.text("encryption");
  // A key slot that asks for what we don't have is no reason to refuse the others.
  try {
    const std::optional<Hash> hash = find_hash(af_hash);
    if (!hash) throw Error(ErrorKind::unsupported, "hash '" + af_hash + "' is not supported");
    slot.af_hash = *hash;
    slot.kdf = parse_kdf(kdf);
    slot.area_cipher = parse_cipher_spec(area_cipher);
    check_cipher(slot.area_cipher, slot.area_key_bytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
    slot.unusable = error.what();
  }
  return slot;
}

void check_overlaps(const Node& keyslots) {
  struct Area {
    std::uint64_t begin, end;
    std::string path;
  };
  std::vector<Area> areas;
  keyslots.for_each_member([&](const std::string&, const Node& node) {
    const Node area = node.object("area");
    const std::uint64_t begin = area.u64("offset");
    areas.push_back({begin, begin + area.u64("size"), area.path()});
  });
  std::sort(areas.begin(), areas.end(),
            [](const Area& a, const Area& b) { return a.begin < b.begin; });
  for (std::size_t n = 1; n < areas.size(); ++n) {
    if (areas[n].begin < areas[n - 1].end) {
      throw damaged("JSON " + areas[n - 1].path + " and " + areas[n].path + " overlap");
    }
  }
}

// ---- segments ----

Segment parse_segment(const Node& node, std::uint64_t end_of_areas) {
  const std::string type = node.text("type");
  if (type != "crypt") {
    throw Error(ErrorKind::unsupported,
                node.path() + ": segment type '" + type + "' is not supported");
  }
  if (node.has("integrity")) {
    throw Error(
        ErrorKind::unsupported,
        node.path() + ": authenticated encryption (integrity) is not supported by this version");
  }
  Segment segment;
  segment.offset = node.u64("offset");
  if (segment.offset % 512 != 0) throw node.child("offset").complaint("is not a multiple of 512");
  if (segment.offset != 0 && segment.offset < end_of_areas) {
    throw node.child("offset").complaint("lies inside the header and its key slot area");
  }
  const std::uint32_t sector_size = node.u32("sector_size");
  const bool known_size =
      sector_size == 512 || sector_size == 1024 || sector_size == 2048 || sector_size == 4096;
  if (!known_size) {
    throw node.child("sector_size").complaint("is not 512, 1024, 2048 or 4096");
  }
  segment.sector_size = sector_size;
  if (node.text("size") != "dynamic") {
    segment.size = node.u64("size");
    if (*segment.size == 0 || *segment.size % sector_size != 0) {
      throw node.child("size").complaint("is not a multiple of the sector size");
    }
  }
  if (node.u64("iv_tweak") != 0) {
    throw Error(ErrorKind::unsupported,
                node.path() +
                    ".iv_tweak is not 0: cryptsetup ignores it, the specification does not, so the "
                    "data could silently be wrong; such volumes are refused");
  }
  segment.cipher = parse_cipher_spec(node.text("encryption"));
  return segment;
}

Segment parse_segments(const Node& segments, std::uint64_t end_of_areas) {
  segments.for_each_member([](const std::string& name, const Node& node) {
    parse_id(name, node);
    if (!node.value().is_object()) throw node.complaint("is not an object");
    if (!node.has("flags")) return;
    node.array("flags").for_each_element([](const Node& flag) {
      const std::string text = flag.as_text();
      if (text.starts_with("backup") || text == "in-reencryption") throw reencryption_refused();
    });
  });
  if (segments.value().empty()) throw segments.complaint("is empty");
  if (segments.value().size() > 1) {
    throw Error(ErrorKind::unsupported,
                "the volume has several segments, which only reencryption makes; that is not "
                "supported");
  }
  return parse_segment(segments.object("0"), end_of_areas);
}

// ---- digests and tokens ----

Digest parse_digest(const Node& node) {
  const std::string type = node.text("type");
  if (type != "pbkdf2") {
    throw Error(ErrorKind::unsupported,
                node.path() + ": digest type '" + type + "' is not supported");
  }
  Digest digest{parse_pbkdf2(node), node.base64("salt"), node.base64("digest")};
  // A shorter digest would take wrong keys for right ones.
  const std::size_t size = digest.digest.size();
  if (size < 20 || (size != 20 && size != digest_size(digest.cost.hash))) {
    throw node.child("digest").complaint("has " + std::to_string(size) +
                                         " bytes, which is not the length of its hash");
  }
  return digest;
}

// Finds the digest of segment 0 and marks the key slots that it does not list as unbound.
Digest parse_digests(const Node& digests, const Node& keyslots, const Node& segments,
                     std::vector<Keyslot>& slots) {
  std::optional<Digest> of_segment;
  std::set<unsigned> bound;
  digests.for_each_member([&](const std::string& name, const Node& node) {
    parse_id(name, node);
    if (!node.value().is_object()) throw node.complaint("is not an object");
    const std::set<unsigned> its_slots = references(node.array("keyslots"), keyslots);
    const std::set<unsigned> its_segments = references(node.array("segments"), segments);
    if (!its_segments.contains(0)) return;
    if (of_segment) throw node.complaint("is a second digest of the same segment");
    of_segment = parse_digest(node);
    bound = its_slots;
  });
  if (!of_segment) throw digests.complaint("has no digest for the segment");
  for (Keyslot& slot : slots) slot.bound = bound.contains(slot.id);
  return std::move(*of_segment);
}

void check_tokens(const Node& root, const Node& keyslots) {
  root.object("tokens").for_each_member([&](const std::string& name, const Node& node) {
    parse_id(name, node);
    if (!node.value().is_object()) throw node.complaint("is not an object");
    node.text("type");
    references(node.array("keyslots"), keyslots);
  });
}

}  // namespace

Header parse_luks2_metadata(std::string_view text, std::uint64_t metadata_bytes) {
  const json document = parse_json(text);
  const Node root(document, "");
  const Node config = root.object("config");
  const Node keyslots = root.object("keyslots");
  const Node segments = root.object("segments");
  const Node digests = root.object("digests");

  check_requirements(config);
  const std::uint64_t end_of_areas = areas_end(config, metadata_bytes);
  Header header;
  header.end = end_of_areas;
  keyslots.for_each_member([&](const std::string& name, const Node& node) {
    const unsigned id = parse_id(name, node);
    if (!node.value().is_object()) throw node.complaint("is not an object");
    header.keyslots.push_back(parse_keyslot(id, node, metadata_bytes, end_of_areas));
  });
  check_overlaps(keyslots);
  std::sort(header.keyslots.begin(), header.keyslots.end(),
            [](const Keyslot& a, const Keyslot& b) { return a.id < b.id; });
  header.segment = parse_segments(segments, end_of_areas);
  header.digest = parse_digests(digests, keyslots, segments, header.keyslots);
  check_tokens(root, keyslots);

  bool any_bound = false;
  for (const Keyslot& slot : header.keyslots) {
    if (!slot.bound) continue;
    any_bound = true;
    check_cipher(header.segment.cipher, slot.key_bytes);
    if (slot.unusable.empty()) {
      header.key_material_end =
          std::max(header.key_material_end, slot.area_offset + slot.area_bytes);
    }
  }
  if (!any_bound) throw damaged("no key slot holds the volume's key, so nothing can unlock it");
  return header;
}

}  // namespace luksdetached::luks
