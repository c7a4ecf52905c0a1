// The binary headers of LUKS2: an input is the first 512 bytes of the primary copy, the first 512
// of the secondary one, and the JSON of both. What does not lead anywhere is put right behind the
// fuzzer's back: magic, version and checksum, but of each copy only if a bit of its checksum field
// says so.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "fuzz.h"

namespace {

using namespace luksdetached;
namespace luks2 = luksdetached::testing::luks2;

constexpr std::size_t part = 512;

void put_copy(luksdetached::testing::Bytes& image, std::size_t offset,
              std::span<const std::byte> binary, std::span<const std::byte> json) {
  const auto at = image.begin() + static_cast<std::ptrdiff_t>(offset);
  std::copy(binary.begin(), binary.end(), at);
  std::copy(json.begin(), json.end(), at + luks2::binary_bytes);
  const bool repaired = (binary[luks2::checksum] & std::byte{1}) == std::byte{0};
  if (!repaired) return;
  luksdetached::testing::put_text(
      image, offset, std::string_view(offset == 0 ? "LUKS\xba\xbe" : "SKUL\xba\xbe", 6));
  luksdetached::testing::put_be16(image, offset + luks2::version, 2);
  luksdetached::testing::seal(image, offset, fuzz::copy_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 * part || size > 2 * part + fuzz::max_json) return -1;
  const luksdetached::testing::Bytes input = fuzz::as_bytes(data, size);
  const std::span<const std::byte> all(input);
  luksdetached::testing::Bytes image(2 * fuzz::copy_bytes);
  put_copy(image, 0, all.first(part), all.subspan(2 * part));
  put_copy(image, fuzz::copy_bytes, all.subspan(part, part), all.subspan(2 * part));
  fuzz::parse(image);
  return 0;
}
