// All of opening: load the header from a source, unlock it, find the data, read them. An input is
// the JSON of a LUKS2 header or, if its first byte is 1, the 592 bytes of a LUKS1 header; the key
// slot areas are those of a real volume whose secret is tried.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "../volume/memory_source.h"
#include "crypto/sector_cipher.h"
#include "export/data_area.h"
#include "export/load_header.h"
#include "fuzz.h"
#include "luks/unlock.h"
#include "volume/volume.h"

namespace {

using namespace luksdetached;

constexpr std::uint64_t affordable = 4 << 20;  // bytes times passes: the fuzzer has little time
constexpr std::size_t payload_bytes = std::size_t{64} << 10;

luksdetached::testing::Bytes luks1_image(std::span<const std::byte> header) {
  static const luksdetached::testing::Bytes model = fuzz::luks1_volume();
  luksdetached::testing::Bytes image = model;
  std::copy_n(header.begin(), std::min(header.size(), luksdetached::testing::luks1::header_bytes),
              image.begin());
  luksdetached::testing::put_text(image, 0, std::string_view("LUKS\xba\xbe", 6));
  luksdetached::testing::put_be16(image, luksdetached::testing::luks1::version, 1);
  return image;
}

luksdetached::testing::Bytes luks2_image(std::span<const std::byte> json) {
  static const luksdetached::testing::Luks2Image model = fuzz::luks2_volume();
  return model.bytes({reinterpret_cast<const char*>(json.data()), json.size()});
}

bool is_affordable(const luks::Header& header) {
  for (const luks::Keyslot& slot : header.keyslots) {
    const auto* argon2 = std::get_if<luks::Argon2Kdf>(&slot.kdf.cost);
    if (argon2 == nullptr) continue;
    if (std::uint64_t{argon2->cost.memory_kib} * 1024 * argon2->cost.time > affordable)
      return false;
  }
  return true;
}

void open(luksdetached::testing::Bytes bytes) {
  luksdetached::testing::MemorySource source(std::move(bytes));
  const LoadedHeader loaded = load_header(source);
  const luks::Header& header = loaded.header;
  luks::check_servable(header);
  if (!is_affordable(header)) return;
  SecureBuffer secret(fuzz::secret.size());
  std::memcpy(secret.data(), fuzz::secret.data(), secret.size());
  luks::KdfBudget budget({.memory_max = affordable, .iterations_max = 1000});
  const luks::Unlocked unlocked = luks::unlock(header, loaded.image, {&secret, 1}, {}, budget);
  std::vector<std::string> warnings;
  const DataArea area = find_data_area(header.segment, payload_bytes, {}, warnings);
  RangeLock payload_lock;
  Volume volume(
      std::make_unique<luksdetached::testing::MemorySource>(
          luksdetached::testing::Bytes(payload_bytes)),
      make_sector_cipher(header.segment.cipher, unlocked.volume_key.span(), area.sector_size), area,
      payload_lock);
  luksdetached::testing::Bytes plain(static_cast<std::size_t>(volume.size()));
  volume.read(plain, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > fuzz::max_json) return -1;
  const luksdetached::testing::Bytes input = fuzz::as_bytes(data, size);
  try {
    const bool luks1 = input[0] == std::byte{1};
    open(luks1 ? luks1_image(std::span(input).subspan(1)) : luks2_image(input));
  } catch (const Error& error) {
    fuzz::check_message(error);
  }
  return 0;
}
