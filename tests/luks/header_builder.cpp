#include "header_builder.h"

#include <algorithm>
#include <array>

#include "crypto/cipher_spec.h"
#include "crypto/pbkdf2.h"
#include "crypto/sector_cipher.h"

namespace luksdetached::testing {

namespace {

void put_be(Bytes& bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
  for (std::size_t n = 0; n < size; ++n) {
    bytes.at(offset + n) = static_cast<std::byte>(value >> (8 * (size - 1 - n)));
  }
}

void put(Bytes& bytes, std::size_t offset, std::span<const std::byte> what) {
  if (bytes.size() < offset + what.size()) bytes.resize(offset + what.size());
  std::copy(what.begin(), what.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

Bytes hash_of(Hash hash, std::initializer_list<std::span<const std::byte>> parts,
              std::size_t size) {
  Bytes digest(size);
  hash_bytes(hash, {parts.begin(), parts.size()}, digest);
  return digest;
}

// LUKS1, section 2.4, H1: pieces of the digest's size, each hashed behind its number.
Bytes diffuse(const Bytes& block, Hash hash) {
  Bytes result;
  for (std::size_t at = 0, number = 0; at < block.size(); at += digest_size(hash), ++number) {
    const auto piece = std::span(block).subspan(at, std::min(digest_size(hash), block.size() - at));
    Bytes counter(4);
    put_be(counter, 0, number, 4);
    const Bytes hashed = hash_of(hash, {counter, piece}, piece.size());
    result.insert(result.end(), hashed.begin(), hashed.end());
  }
  return result;
}

Bytes derive(std::string_view secret, std::span<const std::byte> salt, std::uint32_t iterations,
             std::size_t size) {
  Bytes key(size);
  pbkdf2(Hash::sha256, to_bytes(secret), salt, iterations, key);
  return key;
}

constexpr std::uint32_t slot_iterations = 3;
constexpr std::uint32_t digest_iterations = 2;
constexpr std::size_t luks1_slots = 8;

}  // namespace

void put_be16(Bytes& bytes, std::size_t offset, std::uint16_t value) {
  put_be(bytes, offset, value, 2);
}
void put_be32(Bytes& bytes, std::size_t offset, std::uint32_t value) {
  put_be(bytes, offset, value, 4);
}
void put_be64(Bytes& bytes, std::size_t offset, std::uint64_t value) {
  put_be(bytes, offset, value, 8);
}
void put_text(Bytes& bytes, std::size_t offset, std::string_view text) {
  put(bytes, offset, to_bytes(text));
}

Bytes split_key(std::span<const std::byte> key, std::uint32_t stripes, Hash hash) {
  Bytes split;
  Bytes sum(key.size());
  for (std::uint32_t n = 0; n + 1 < stripes; ++n) {
    const Bytes stripe = pattern(key.size(), 1000 + n);
    for (std::size_t i = 0; i < key.size(); ++i) sum[i] ^= stripe[i];
    sum = diffuse(sum, hash);
    split.insert(split.end(), stripe.begin(), stripe.end());
  }
  for (std::size_t i = 0; i < key.size(); ++i) split.push_back(sum[i] ^ key[i]);
  return split;
}

Bytes key_material(std::span<const std::byte> volume_key, std::uint32_t stripes, Hash hash,
                   std::string_view cipher, std::span<const std::byte> area_key) {
  Bytes area = split_key(volume_key, stripes, hash);
  area.resize((area.size() + 511) / 512 * 512);
  make_sector_cipher(parse_cipher_spec(cipher), area_key, 512)->encrypt(area, area, 0);
  return area;
}

// ---- LUKS1 ----

Luks1Image::Luks1Image(std::string_view cipher_name, std::string_view cipher_mode,
                       std::size_t volume_key_bytes)
    : bytes(luks1::header_bytes),
      volume_key(pattern(volume_key_bytes, 77)),
      cipher_(std::string(cipher_name) + "-" + std::string(cipher_mode)) {
  put_text(bytes, 0, std::string_view("LUKS\xba\xbe", 6));
  put_be16(bytes, luks1::version, 1);
  put_text(bytes, luks1::cipher_name, cipher_name);
  put_text(bytes, luks1::cipher_mode, cipher_mode);
  put_text(bytes, luks1::hash_spec, "sha256");
  put_be32(bytes, luks1::key_bytes, static_cast<std::uint32_t>(volume_key_bytes));
  put_text(bytes, luks1::uuid, header_uuid);
  const Bytes salt = pattern(32, 5);
  put(bytes, luks1::mk_digest_salt, salt);
  put_be32(bytes, luks1::mk_digest_iterations, digest_iterations);
  Bytes digest(20);
  pbkdf2(Hash::sha256, volume_key, salt, digest_iterations, digest);
  put(bytes, luks1::mk_digest, digest);
  const auto area_sectors =
      static_cast<std::uint32_t>((volume_key_bytes * af_stripes + 4095) / 4096 * 8);
  for (unsigned id = 0; id < luks1_slots; ++id) {
    const std::size_t slot = luks1::slot(id);
    put_be32(bytes, slot + luks1::slot_active, id == 0 ? luks1::enabled : luks1::disabled);
    put_be32(bytes, slot + luks1::slot_iterations, slot_iterations);
    put(bytes, slot + luks1::slot_salt, pattern(32, 100 + id));
    put_be32(bytes, slot + luks1::slot_material, 8 + id * area_sectors);
    put_be32(bytes, slot + luks1::slot_stripes, af_stripes);
  }
}

void Luks1Image::add_key(unsigned id, std::string_view secret) {
  put_be32(bytes, luks1::slot(id) + luks1::slot_active, luks1::enabled);
  const Bytes area_key = derive(secret, pattern(32, 100 + id), slot_iterations, volume_key.size());
  const Bytes area = key_material(volume_key, af_stripes, Hash::sha256, cipher_, area_key);
  const std::size_t area_bytes = (area.size() + 4095) / 4096 * 4096;
  bytes.resize(std::max(bytes.size(), 4096 + luks1_slots * area_bytes));
  put(bytes, 4096 + id * area_bytes, area);
}

// ---- LUKS2 ----

void seal(Bytes& image, std::size_t offset, std::size_t size, Hash hash) {
  const auto checksum = std::span(image).subspan(offset + luks2::checksum, 64);
  std::fill(checksum.begin(), checksum.end(), std::byte{0});
  const Bytes sum = hash_of(hash, {std::span(image).subspan(offset, size)}, digest_size(hash));
  std::copy(sum.begin(), sum.end(), checksum.begin());
}

std::string to_base64(std::span<const std::byte> bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t n = 0; n < 3; ++n) {
      group = group << 8 | (n < have ? std::to_integer<unsigned>(bytes[at + n]) : 0);
    }
    for (std::size_t n = 0; n < 4; ++n) {
      text += n <= have ? letters[group >> (18 - 6 * n) & 63] : '=';
    }
  }
  return text;
}

Luks2Image::Luks2Image(std::size_t volume_key_bytes) : volume_key(pattern(volume_key_bytes, 78)) {
  const Bytes salt = pattern(32, 6);
  Bytes digest(32);
  pbkdf2(Hash::sha256, volume_key, salt, digest_iterations, digest);
  const std::size_t area_bytes = (volume_key_bytes * af_stripes + 4095) / 4096 * 4096;
  areas_.resize(8 * area_bytes);
  metadata = {
      {"keyslots",
       {{"0",
         {{"type", "luks2"},
          {"key_size", volume_key_bytes},
          {"af", {{"type", "luks1"}, {"stripes", af_stripes}, {"hash", "sha256"}}},
          {"area",
           {{"type", "raw"},
            {"offset", std::to_string(2 * copy_bytes)},
            {"size", std::to_string(area_bytes)},
            {"encryption", "aes-xts-plain64"},
            {"key_size", 32}}},
          {"kdf",
           {{"type", "pbkdf2"},
            {"hash", "sha256"},
            {"iterations", slot_iterations},
            {"salt", to_base64(pattern(32, 100))}}}}}}},
      {"tokens", nlohmann::json::object()},
      {"segments",
       {{"0",
         {{"type", "crypt"},
          {"offset", "0"},
          {"size", "dynamic"},
          {"iv_tweak", "0"},
          {"encryption", "aes-xts-plain64"},
          {"sector_size", 512}}}}},
      {"digests",
       {{"0",
         {{"type", "pbkdf2"},
          {"keyslots", nlohmann::json::array({"0"})},
          {"segments", nlohmann::json::array({"0"})},
          {"hash", "sha256"},
          {"iterations", digest_iterations},
          {"salt", to_base64(salt)},
          {"digest", to_base64(digest)}}}}},
      {"config",
       {{"json_size", std::to_string(copy_bytes - luks2::binary_bytes)},
        {"keyslots_size", std::to_string(8 * area_bytes)}}},
  };
}

void Luks2Image::add_key(unsigned id, std::string_view secret) {
  const Bytes salt = pattern(32, 100 + id);
  add_key(id,
          {{"type", "pbkdf2"},
           {"hash", "sha256"},
           {"iterations", slot_iterations},
           {"salt", to_base64(salt)}},
          derive(secret, salt, slot_iterations, 32));
}

void Luks2Image::add_key(unsigned id, nlohmann::json kdf, std::span<const std::byte> area_key) {
  const std::string name = std::to_string(id);
  auto& keyslots = metadata["keyslots"];
  keyslots[name] = keyslots["0"];
  const std::size_t area_bytes =
      std::stoul(keyslots[name]["area"]["size"].get_ref<const std::string&>());
  keyslots[name]["area"]["offset"] = std::to_string(2 * copy_bytes + id * area_bytes);
  keyslots[name]["kdf"] = std::move(kdf);
  auto& listed = metadata["digests"]["0"]["keyslots"];
  if (std::find(listed.begin(), listed.end(), name) == listed.end()) listed.push_back(name);
  put(areas_, id * area_bytes,
      key_material(volume_key, af_stripes, Hash::sha256, "aes-xts-plain64", area_key));
}

Bytes Luks2Image::copy(std::size_t offset, std::string_view json,
                       std::uint64_t sequence_number) const {
  Bytes result(copy_bytes);
  put_text(result, 0, std::string_view(offset == 0 ? "LUKS\xba\xbe" : "SKUL\xba\xbe", 6));
  put_be16(result, luks2::version, 2);
  put_be64(result, luks2::header_size, copy_bytes);
  put_be64(result, luks2::sequence, sequence_number);
  put_text(result, luks2::checksum_algorithm, checksum_algorithm);
  put(result, luks2::salt, pattern(64, offset));
  put_text(result, luks2::uuid, header_uuid);
  put_be64(result, luks2::header_offset, offset);
  put_text(result, luks2::binary_bytes, json.substr(0, copy_bytes - luks2::binary_bytes));
  seal(result, 0, copy_bytes, find_hash(checksum_algorithm).value_or(Hash::sha256));
  return result;
}

Bytes Luks2Image::bytes(std::string_view json) const {
  Bytes image = copy(0, json, sequence);
  const Bytes secondary = copy(copy_bytes, json, sequence);
  image.insert(image.end(), secondary.begin(), secondary.end());
  image.insert(image.end(), areas_.begin(), areas_.end());
  return image;
}

}  // namespace luksdetached::testing
