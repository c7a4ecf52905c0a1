#include "server/copy/pieces.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace luksdetached::copy {
namespace {

TEST(Pieces, CoverEveryByteOnce) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{512}, std::uint64_t{piece_bytes},
        std::uint64_t{piece_bytes} + 1, 5 * std::uint64_t{piece_bytes} - 512}) {
    std::uint64_t end = 0;
    for (std::uint64_t number = 0; number < count_pieces(bytes); ++number) {
      const Piece piece = piece_of(bytes, number);
      EXPECT_EQ(piece.offset, end);
      EXPECT_GT(piece.size, 0U);
      EXPECT_LE(piece.size, piece_bytes);
      end += piece.size;
    }
    EXPECT_EQ(end, bytes);
  }
}

TEST(Pieces, EachIsWorkedOnOnce) {
  std::vector<std::atomic<int>> times(1000);
  int reports = 0;
  for_each_piece(
      10, times.size(), [&](std::uint64_t number) { ++times[number]; }, [&] { ++reports; });
  for (std::size_t number = 0; number < times.size(); ++number) {
    EXPECT_EQ(times[number], number < 10 ? 0 : 1) << number;
  }
  EXPECT_GE(reports, 1);
}

TEST(Pieces, SeveralAreUnderWayAtOnce) {
  std::atomic<int> inside = 0;
  for_each_piece(
      0, 4,
      [&](std::uint64_t /*number*/) {
        ++inside;
        while (inside < 4) std::this_thread::yield();  // else for ever
      },
      [] {});
  EXPECT_EQ(inside, 4);
}

TEST(Pieces, AFailureEndsThem) {
  std::atomic<int> begun = 0;
  const auto work = [&](std::uint64_t number) {
    ++begun;
    if (number == 3) throw std::runtime_error("the third");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  EXPECT_THROW(for_each_piece(0, 100000, work, [] {}), std::runtime_error);
  EXPECT_LT(begun, 100000);
}

TEST(Pieces, TheCallerCanEndThem) {
  std::atomic<int> begun = 0;
  const auto work = [&](std::uint64_t /*number*/) {
    ++begun;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  EXPECT_THROW(for_each_piece(0, 100000, work, [] { throw std::runtime_error("enough"); }),
               std::runtime_error);
  EXPECT_LT(begun, 100000);
}

}  // namespace
}  // namespace luksdetached::copy
