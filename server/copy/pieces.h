// Cuts a copy into pieces and works on several of them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace luksdetached::copy {

/// Most bytes that are copied at once: what storage is asked for in one request.
inline constexpr std::size_t piece_bytes = std::size_t{1} << 20;

/// A part of a copy.
struct Piece {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;  ///< bytes from where the copy begins
  std::size_t size = 0;      ///< bytes, not 0

  bool operator==(const Piece&) const = default;
};

/// How many pieces `bytes` are.
std::uint64_t count_pieces(std::uint64_t bytes) noexcept;

/// Piece `number` of `bytes`: all are of piece_bytes but the last one.
Piece piece_of(std::uint64_t bytes, std::uint64_t number) noexcept;

/// Calls `work` with each number from `begin` to before `end`, about in their order, from several
/// threads, and `meanwhile` from the calling thread, every fifth of a second and in the end.
/// Returns when all is done. What `work` or `meanwhile` throws ends it, when what has begun is
/// over, and is thrown.
void for_each_piece(std::uint64_t begin, std::uint64_t end,
                    const std::function<void(std::uint64_t)>& work,
                    const std::function<void()>& meanwhile);

}  // namespace luksdetached::copy
