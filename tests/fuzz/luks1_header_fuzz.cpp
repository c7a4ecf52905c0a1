// The LUKS1 header: any bytes behind the magic.
#include <cstddef>
#include <cstdint>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace luksdetached;
  luksdetached::testing::Bytes bytes = fuzz::as_bytes(data, size);
  bytes.resize(std::max<std::size_t>(bytes.size(), 8));
  luksdetached::testing::put_text(bytes, 0, std::string_view("LUKS\xba\xbe", 6));
  luksdetached::testing::put_be16(bytes, 6, 1);
  fuzz::parse(bytes);
  return 0;
}
