#include <benchmark/benchmark.h>
#include <gcrypt.h>

#include "crypto/aes_xts_kernels.h"
#include "registration.h"

int main(int argc, char** argv) {
  // What libgcrypt asks of every program before anything else.
  if (gcry_check_version(nullptr) == nullptr) return 1;
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);

  luksdetached::bench::register_sector_ciphers();
  luksdetached::bench::register_key_derivations();
  const luksdetached::AesXtsKernel* kernel = luksdetached::aes_xts_kernel();
  benchmark::AddCustomContext("aes_xts_kernel",
                              std::string(kernel != nullptr ? kernel->name : "cryptopp"));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
