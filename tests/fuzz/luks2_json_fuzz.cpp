// The JSON area of LUKS2: any text, in two copies that are right otherwise.
#include <cstddef>
#include <cstdint>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace luksdetached;
  if (size > fuzz::max_json) return -1;
  static const luksdetached::testing::Luks2Image image;
  fuzz::parse(image.bytes({reinterpret_cast<const char*>(data), size}));
  return 0;
}
