#include "aes_xts_kernel_tests.h"

namespace luksdetached::testing {
namespace {

struct Aesni {
  static constexpr std::string_view name = "aes-ni";
  static bool have() { return have_aesni(); }
  static constexpr auto make = make_aes_xts_aesni;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Aesni, AesXtsKernelTest, Aesni);

}  // namespace
}  // namespace luksdetached::testing
