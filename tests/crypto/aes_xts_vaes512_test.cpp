#include "aes_xts_kernel_tests.h"

namespace luksdetached::testing {
namespace {

struct Vaes512 {
  static constexpr std::string_view name = "vaes512";
  static bool have() { return have_vaes512(); }
  static constexpr auto make = make_aes_xts_vaes512;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Vaes512, AesXtsKernelTest, Vaes512);

}  // namespace
}  // namespace luksdetached::testing
