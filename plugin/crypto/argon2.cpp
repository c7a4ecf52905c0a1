#include "crypto/argon2.h"

#include <crypto++/blake2.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/in_parallel.h"
#include "base/usable_cpus.h"
#include "crypto/argon2_block.h"
#include "crypto/argon2_memory.h"
#include "crypto/hash_types.h"
#include "crypto/little_endian.h"
#include "crypto/secure_memory.h"

namespace luksdetached {

namespace {

constexpr std::uint32_t version = 0x13;
constexpr std::uint32_t slices = 4;  // of each lane: between them all lanes wait for each other
constexpr std::uint32_t most_lanes = (1U << 24) - 1;
constexpr std::uint32_t words_per_block = 128;
constexpr std::size_t blake2_bytes = 64;

std::uint32_t number_of(Argon2Variant variant) {
  return variant == Argon2Variant::i ? 1 : 2;
}

// BLAKE2b of what is added, piece by piece.
class Blake2 {
 public:
  explicit Blake2(std::size_t digest_bytes) : hash_(static_cast<unsigned>(digest_bytes)) {}

  Blake2& add(std::span<const std::byte> bytes) {
    hash_.Update(as_bytes(bytes.data()), bytes.size());
    return *this;
  }
  Blake2& add(std::uint32_t number) {
    std::byte bytes[sizeof number];
    store_little_endian(bytes, number);
    return add(bytes);
  }
  Blake2& add_with_size(std::span<const std::byte> bytes) {
    return add(static_cast<std::uint32_t>(bytes.size())).add(bytes);
  }
  void finish(std::byte* digest) { hash_.Final(as_bytes(digest)); }

 private:
  CryptoPP::BLAKE2b hash_;
};

// The hash function H' with a result of any size (RFC 9106, section 3.3). `scratch` is for what is
// between.
void long_hash(std::span<const std::byte> input, std::span<std::byte> result,
               std::span<std::byte, blake2_bytes> scratch) {
  const auto size = static_cast<std::uint32_t>(result.size());
  if (size <= blake2_bytes) {
    Blake2(size).add(size).add(input).finish(result.data());
    return;
  }
  Blake2(blake2_bytes).add(size).add(input).finish(scratch.data());
  for (;;) {
    std::copy_n(scratch.begin(), blake2_bytes / 2, result.begin());
    result = result.subspan(blake2_bytes / 2);
    if (result.size() <= blake2_bytes) break;
    Blake2(blake2_bytes).add(scratch).finish(scratch.data());
  }
  Blake2(result.size()).add(scratch).finish(result.data());
}

static_assert(std::endian::native == std::endian::little, "blocks are filled as they are");

// What there is to fill: lanes of equally many blocks, one behind the other.
struct Matrix {
  Argon2Variant variant;
  std::uint32_t passes;
  std::uint32_t lanes;
  std::uint32_t segment_blocks;  // of a slice of a lane
  Argon2Fill* fill;
  Argon2Memory* memory = nullptr;

  std::uint32_t lane_blocks() const { return slices * segment_blocks; }
  std::uint32_t size() const { return lanes * lane_blocks(); }
  Argon2Block* lane(std::uint32_t number) const {
    return memory->blocks().data() + std::size_t{number} * lane_blocks();
  }
};

struct Position {
  std::uint32_t pass, slice;

  bool at_start() const { return pass == 0 && slice == 0; }
};

// Fills a lane, segment by segment, block by block.
class LaneFiller {
 public:
  LaneFiller(const Matrix& matrix, std::uint32_t lane)
      : matrix_(matrix), lane_(lane), blocks_(matrix.lane(lane)) {}

  // Where segments begin that have no blocks before them.
  static std::uint32_t first_index(const Position& position) { return position.at_start() ? 2 : 0; }

  void begin_segment(const Position& position) {
    position_ = position;
    blind_ = matrix_.variant == Argon2Variant::i || (position.pass == 0 && position.slice < 2);
    if (blind_) begin_addresses();
    find_reference(first_index(position));
  }

  // `index` counts from the start of the segment; all before it are filled.
  void fill(std::uint32_t index) {
    const std::uint32_t at = position_.slice * matrix_.segment_blocks + index;
    if (position_.pass == 0 && index % Argon2Memory::portion == 0) provide_from(index);
    const Argon2Block& previous = blocks_[(at == 0 ? matrix_.lane_blocks() : at) - 1];
    const Argon2Block& reference = *reference_;
    // As early as possible, so that it is in the cache when it is needed.
    if (blind_) find_reference(index + 1);
    matrix_.fill(previous, reference, blocks_[at],
                 position_.pass == 0 ? Argon2Put::over : Argon2Put::added);
    if (!blind_) find_reference(index + 1);
  }

 private:
  void provide_from(std::uint32_t index) {
    const std::size_t left = matrix_.segment_blocks - index;
    matrix_.memory->provide(
        {blocks_ + std::size_t{position_.slice} * matrix_.segment_blocks + index,
         std::min(left, Argon2Memory::portion)});
  }

  // The words by which blocks are chosen that do not depend on what is in them (section 3.4.1.2).
  void begin_addresses() {
    counter_ = {{position_.pass, lane_, position_.slice, matrix_.size(), matrix_.passes,
                 number_of(matrix_.variant)}};
    // Those of the first two blocks, which are not chosen.
    if (first_index(position_) > 0) next_addresses();
  }
  void next_addresses() {
    static constexpr Argon2Block zero{};
    ++counter_.words[6];
    matrix_.fill(zero, counter_, addresses_, Argon2Put::over);
    matrix_.fill(zero, addresses_, addresses_, Argon2Put::over);
  }

  std::uint64_t choice_for(std::uint32_t index) {
    if (!blind_) {
      const std::uint32_t at = position_.slice * matrix_.segment_blocks + index;
      return blocks_[(at == 0 ? matrix_.lane_blocks() : at) - 1].words[0];
    }
    if (index % words_per_block == 0) next_addresses();
    return addresses_.words[index % words_per_block];
  }

  // Which block is mixed into the one at `index` (section 3.4.2).
  void find_reference(std::uint32_t index) {
    if (index == matrix_.segment_blocks) return;
    const std::uint64_t choice = choice_for(index);
    const auto distance = static_cast<std::uint32_t>(choice);
    const std::uint32_t lane =
        position_.at_start() ? lane_ : static_cast<std::uint32_t>(choice >> 32) % matrix_.lanes;
    // In its own lane all that is filled counts but the previous block; in others only what was
    // filled before this slice.
    std::uint32_t candidates =
        (position_.pass == 0 ? position_.slice : slices - 1) * matrix_.segment_blocks;
    if (lane == lane_) {
      candidates += index - 1;
    } else if (index == 0) {
      candidates -= 1;
    }
    const std::uint64_t squared = std::uint64_t{distance} * distance >> 32;
    const auto back = static_cast<std::uint32_t>(candidates * squared >> 32);
    std::uint32_t at = candidates - 1 - back;
    if (position_.pass > 0) at += (position_.slice + 1) % slices * matrix_.segment_blocks;
    if (at >= matrix_.lane_blocks()) at -= matrix_.lane_blocks();
    reference_ = matrix_.lane(lane) + at;
    for (std::size_t n = 0; n < words_per_block; n += 64 / sizeof(std::uint64_t)) {
      __builtin_prefetch(reference_->words + n);
    }
  }

  const Matrix& matrix_;
  std::uint32_t lane_;
  Argon2Block* blocks_;
  Position position_{};
  bool blind_ = false;  // blocks are chosen without a look at what is in them
  const Argon2Block* reference_ = nullptr;
  Argon2Block counter_{};
  Argon2Block addresses_{};
};

Argon2Fill* fastest_fill() {
  return std::ranges::find_if(argon2_kernels,
                              [](const Argon2Kernel& kernel) { return kernel.available(); })
      ->fill;
}

Error impossible(const std::string& why) {
  return {ErrorKind::key_derivation, "Argon2 failed: " + why};
}

void check(std::span<const std::byte> salt, const Argon2Cost& cost,
           std::span<const std::byte> key) {
  if (key.size() < 4) throw impossible("the key is shorter than 4 bytes");
  if (salt.size() < 8) throw impossible("the salt is shorter than 8 bytes");
  if (cost.time == 0) throw impossible("there is no pass");
  if (cost.lanes == 0 || cost.lanes > most_lanes) throw impossible("too few or too many lanes");
  if (cost.memory_kib / 8 < cost.lanes) throw impossible("less than 8 KiB for each lane");
}

// What lies between the secret and the working memory, and between that and the key.
struct Scratch {
  std::array<std::byte, blake2_bytes> first_hash;  // H_0
  std::array<std::byte, blake2_bytes + 8> first_input;
  std::array<std::byte, blake2_bytes> hash;
  Argon2Block block;
};

std::span<std::byte> bytes_of(Argon2Block& block) {
  return std::as_writable_bytes(std::span(block.words));
}

void fill_first_blocks(const Matrix& matrix, Scratch& scratch) {
  std::ranges::copy(scratch.first_hash, scratch.first_input.begin());
  for (std::uint32_t lane = 0; lane < matrix.lanes; ++lane) {
    for (const std::uint32_t n : {0U, 1U}) {
      store_little_endian(scratch.first_input.data() + blake2_bytes, n);
      store_little_endian(scratch.first_input.data() + blake2_bytes + sizeof n, lane);
      long_hash(scratch.first_input, bytes_of(matrix.lane(lane)[n]), scratch.hash);
    }
  }
}

// Lane by lane and slice by slice; a thread that has several lanes fills them in turn, so that it
// need not wait for the memory of one of them.
void fill_rest(const Matrix& matrix, unsigned threads) {
  std::vector<LaneFiller> fillers;
  fillers.reserve(matrix.lanes);
  for (std::uint32_t lane = 0; lane < matrix.lanes; ++lane) fillers.emplace_back(matrix, lane);
  Position position{};
  const std::function<void(unsigned)> fill_slice = [&](unsigned thread) {
    const StackWiper<16> stack_wiper;
    for (std::size_t n = thread; n < fillers.size(); n += threads) {
      fillers[n].begin_segment(position);
    }
    for (std::uint32_t at = LaneFiller::first_index(position); at < matrix.segment_blocks; ++at) {
      for (std::size_t n = thread; n < fillers.size(); n += threads) fillers[n].fill(at);
    }
  };
  for (position.pass = 0; position.pass < matrix.passes; ++position.pass) {
    for (position.slice = 0; position.slice < slices; ++position.slice) {
      in_parallel(threads, fill_slice);
    }
  }
}

void add_last_blocks(const Matrix& matrix, Argon2Block& sum) {
  for (std::uint32_t lane = 0; lane < matrix.lanes; ++lane) {
    const Argon2Block& last = matrix.lane(lane)[matrix.lane_blocks() - 1];
    for (std::size_t n = 0; n < words_per_block; ++n) sum.words[n] ^= last.words[n];
  }
}

}  // namespace

void argon2(Argon2Variant variant, std::span<const std::byte> secret,
            std::span<const std::byte> salt, const Argon2Cost& cost, std::span<std::byte> key) {
  check(salt, cost, key);
  Matrix matrix{variant, cost.time, cost.lanes, cost.memory_kib / (slices * cost.lanes),
                fastest_fill()};
  const unsigned threads = std::min(cost.lanes, usable_cpus());
  SecureObject<Scratch> scratch;
  Blake2(blake2_bytes)
      .add(cost.lanes)
      .add(static_cast<std::uint32_t>(key.size()))
      .add(cost.memory_kib)
      .add(cost.time)
      .add(version)
      .add(number_of(variant))
      .add_with_size(secret)
      .add_with_size(salt)
      .add(0)  // neither a key of the hash
      .add(0)  // nor associated data: LUKS has none
      .finish(scratch->first_hash.data());

  // Two at once would find the same memory free.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Argon2Memory memory(matrix.size(), threads);
  matrix.memory = &memory;
  fill_first_blocks(matrix, *scratch);
  fill_rest(matrix, threads);
  add_last_blocks(matrix, scratch->block);
  long_hash(bytes_of(scratch->block), key, scratch->hash);
}

}  // namespace luksdetached
