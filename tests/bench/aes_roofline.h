// What the AES units of this CPU can do at most: their instruction alone, without loads, stores and
// tweaks.
#pragma once

#include <cstddef>
#include <span>

namespace luksdetached::bench {

/// One width of the instruction.
struct AesRoofline {
  const char* name;                            ///< "vaesenc 512 bit"
  std::size_t register_bytes;                  ///< bytes of blocks in each register
  bool (*available)() noexcept;                ///< on this CPU?
  void (*rounds)(std::size_t times) noexcept;  ///< 1 or more, of all registers in flight
};

/// Registers in flight: the latency of the instruction times how many begin in a cycle is 8 at most
/// on the CPUs that we know.
constexpr std::size_t aes_registers = 12;

/// The widest first; none where the CPU has no AES instructions that we know.
std::span<const AesRoofline> aes_rooflines() noexcept;

}  // namespace luksdetached::bench
