#include "luks/kdf_budget.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/option_text.h"

namespace luksdetached::luks {

namespace {

constexpr std::uint64_t max_argon2_work = std::uint64_t{64} << 30;  // a minute or so
constexpr std::uint32_t max_lanes = 64;                             // each is a thread
// Several lanes are threads that are made anew for each quarter of a pass (RFC 9106, section 3.4);
// the time that one costs is enough to fill so many bytes.
constexpr std::uint64_t thread_work = std::uint64_t{64} << 10;
constexpr std::uint64_t slices = 4;
constexpr unsigned derivations = 4;  // as dear as one may be, in one budget

void require_at_most(std::uint64_t limit, std::uint64_t asked, const std::string& what,
                     const std::string& advice = "") {
  if (asked <= limit) return;
  throw Error(ErrorKind::key_derivation, what + ": the header asks for " + std::to_string(asked) +
                                             ", the limit is " + std::to_string(limit) + advice);
}

void take(std::uint64_t& left, std::uint64_t asked, const std::string& what) {
  if (asked > left) {
    throw Error(ErrorKind::key_derivation,
                what + ": the header asks for " + std::to_string(asked) + ", and " +
                    std::to_string(left) + " are left after the key slots and secrets before; " +
                    option_text("keyslot", "N") + " tries only one");
  }
  left -= asked;
}

}  // namespace

KdfBudget::KdfBudget(const KdfLimits& limits)
    : limits_(limits),
      iterations_left_(std::uint64_t{derivations} * limits.iterations_max),
      argon2_work_left_(derivations * max_argon2_work) {}

void KdfBudget::spend(const Pbkdf2Cost& cost, std::size_t key_bytes) {
  require_at_most(limits_.iterations_max, cost.iterations, "PBKDF2 iterations",
                  " (" + option_text("kdf-iterations-max") + ")");
  const std::size_t block = digest_size(cost.hash);
  const std::uint64_t blocks = (key_bytes + block - 1) / block;
  take(iterations_left_, cost.iterations * blocks, "PBKDF2 iterations");
}

void KdfBudget::spend(const Argon2Cost& cost) {
  const std::uint64_t memory = std::uint64_t{cost.memory_kib} * 1024;
  require_at_most(limits_.memory_max / 1024, cost.memory_kib, "Argon2 memory in KiB",
                  " (" + option_text("kdf-memory-max") + ")");
  require_at_most(max_lanes, cost.lanes, "Argon2 lanes");
  const std::uint64_t for_threads = cost.lanes == 1 ? 0 : cost.lanes * slices * thread_work;
  const std::uint64_t pass = std::max(memory, for_threads);
  require_at_most(max_argon2_work / pass, cost.time, "Argon2 passes over its memory");
  take(argon2_work_left_, pass * cost.time, "Argon2 memory in bytes times passes");
}

}  // namespace luksdetached::luks
