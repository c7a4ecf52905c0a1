// Sector ciphers, on one core: our kernels for AES-XTS, what the libraries make of the same work,
// and what the AES units could do at most; then aes-cbc-essiv.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "aes_roofline.h"
#include "crypto/aes_xts_kernels.h"
#include "crypto/sector_cipher.h"
#include "crypto/sector_cipher_kernels.h"
#include "registration.h"
#include "sector_work.h"

namespace luksdetached::bench {

namespace {

// ---- who ----

Transform in_place(std::shared_ptr<const SectorCipher> cipher, Direction direction) {
  if (direction == Direction::encrypt) {
    return [cipher](std::span<std::byte> run) { cipher->encrypt(run, run, 0); };
  }
  return [cipher](std::span<std::byte> run) { cipher->decrypt(run, run, 0); };
}

Transform ours(const SectorWork& work) {
  return in_place(make_sector_cipher(work.spec, work.key, work.sector_size), work.direction);
}

Transform portable(const SectorWork& work) {
  for (const BlockCipher& cipher : cryptopp_block_ciphers()) {
    if (cipher.name != work.spec.cipher) continue;
    return in_place(cipher.make(work.spec, work.key, work.sector_size), work.direction);
  }
  std::abort();  // it has AES
}

std::vector<Contender> contenders(const CipherSpec& spec) {
  std::vector<Contender> all{{"luksdetached", ours}};
  if (spec.mode == "xts") {
    for (const AesXtsKernel& kernel : aes_xts_kernels()) {
      if (!kernel.have()) continue;
      all.push_back({"kernel " + std::string(kernel.name), [&kernel](const SectorWork& work) {
                       return in_place(kernel.make(IvKind::plain64, work.key, work.sector_size),
                                       work.direction);
                     }});
    }
  }
  all.push_back({"kernel cryptopp", portable});
  for (Contender& peer : sector_peers()) all.push_back(std::move(peer));
  return all;
}

// ---- what ----

std::vector<std::byte> some_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  unsigned state = 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = std::byte(state >> 24);
  }
  return bytes;
}

struct Run {
  const char* name;
  std::size_t bytes;
  std::size_t offset;  // from the start of a page
};

constexpr Run in_l2{"128 KiB", 128 << 10, 0};
constexpr Run beyond_l2{"1 MiB", 1 << 20, 0};
// As malloc gives large ones, nbdkit's among them: across cache lines where registers are wide.
constexpr Run as_of_malloc{"128 KiB + 16", 128 << 10, 16};

// A run of sectors that begins where it should.
class Buffer {
 public:
  explicit Buffer(const Run& run)
      : pages_(static_cast<std::byte*>(std::aligned_alloc(4096, run.bytes + 4096)), std::free),
        run_(pages_.get() + run.offset, run.bytes) {
    const std::vector<std::byte> noise = some_bytes(run.bytes);
    std::copy(noise.begin(), noise.end(), run_.begin());
  }
  std::span<std::byte> span() const { return run_; }

 private:
  std::unique_ptr<std::byte, decltype(&std::free)> pages_;
  std::span<std::byte> run_;
};

void transform_sectors(benchmark::State& state, const Contender& contender, const SectorWork& work,
                       const Run& run) {
  const Buffer expected(run);
  const Buffer buffer(run);
  const Transform transform = contender.make(work);
  ours(work)(expected.span());
  transform(buffer.span());
  if (!std::ranges::equal(expected.span(), buffer.span())) {
    state.SkipWithError("makes something else of it than luksdetached");
    return;
  }
  for ([[maybe_unused]] auto _ : state) {
    transform(buffer.span());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(run.bytes) * state.iterations());
}

void aes_units(benchmark::State& state, const AesRoofline& roofline, std::size_t rounds,
               std::size_t bytes) {
  const std::size_t times = bytes / (aes_registers * roofline.register_bytes) * rounds;
  for ([[maybe_unused]] auto _ : state) roofline.rounds(times);
  const std::size_t transformed = times / rounds * aes_registers * roofline.register_bytes;
  state.SetBytesProcessed(static_cast<std::int64_t>(transformed) * state.iterations());
}

void register_sectors(const std::string& name, const CipherSpec& spec, std::size_t key_bytes,
                      std::size_t sector_size, const Run& run) {
  for (const Direction direction : {Direction::encrypt, Direction::decrypt}) {
    const SectorWork work{spec, some_bytes(key_bytes), sector_size, direction};
    const std::string measure = name + ", " + std::to_string(sector_size) + " B sectors, " +
                                (direction == Direction::encrypt ? "encrypt, " : "decrypt, ") +
                                run.name;
    for (const Contender& contender : contenders(spec)) {
      benchmark::RegisterBenchmark(("kernels/" + measure + "/" + contender.name).c_str(),
                                   [contender, work, run](benchmark::State& state) {
                                     transform_sectors(state, contender, work, run);
                                   });
    }
    if (spec.mode != "xts") continue;
    // Beside what it is compared with, as others may use the machine, too.
    const std::size_t rounds = key_bytes == 64 ? 14 : 10;
    for (const AesRoofline& roofline : aes_rooflines()) {
      if (!roofline.available()) continue;
      benchmark::RegisterBenchmark(("kernels/" + measure + "/" + roofline.name).c_str(),
                                   [&roofline, rounds, run](benchmark::State& state) {
                                     aes_units(state, roofline, rounds, run.bytes);
                                   });
    }
  }
}

}  // namespace

void register_sector_ciphers() {
  const CipherSpec xts = parse_cipher_spec("aes-xts-plain64");
  const CipherSpec essiv = parse_cipher_spec("aes-cbc-essiv:sha256");
  for (const std::size_t sector_size : {4096, 512}) {
    for (const Run& run : {in_l2, beyond_l2, as_of_malloc}) {
      register_sectors("AES-256-XTS", xts, 64, sector_size, run);
    }
    register_sectors("AES-128-XTS", xts, 32, sector_size, in_l2);
    register_sectors("AES-256-CBC-ESSIV", essiv, 32, sector_size, in_l2);
  }
}

}  // namespace luksdetached::bench
