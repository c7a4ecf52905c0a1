#include "aes_xts_kernel_tests.h"

namespace luksdetached::testing {
namespace {

struct Vaes {
  static constexpr std::string_view name = "vaes";
  static bool have() { return have_vaes(); }
  static constexpr auto make = make_aes_xts_vaes;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Vaes, AesXtsKernelTest, Vaes);

}  // namespace
}  // namespace luksdetached::testing
