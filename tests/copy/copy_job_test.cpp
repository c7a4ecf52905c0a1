#include "server/copy/copy_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "../base/testing.h"
#include "../volume/memory_source.h"
#include "server/copy/pieces.h"
#include "server/copy/source_part.h"

namespace luksdetached::copy {
namespace {

using testing::Bytes;
using testing::expect_error;
using testing::MemorySource;
using testing::pattern;
using Kind = MemorySource::Kind;

constexpr std::size_t some_pieces = 200 * piece_bytes - 512;

const Report silent = [](std::uint64_t /*bytes*/) {};

// Offsets of what was asked for.
std::multiset<std::uint64_t> offsets(const std::vector<MemorySource::Call>& calls, Kind kind) {
  std::multiset<std::uint64_t> found;
  for (const auto& call : calls) {
    if (call.kind == kind) found.insert(call.offset);
  }
  return found;
}

Bytes plain(std::size_t size = 5 * piece_bytes - 512) {
  return pattern(size);
}

TEST(CopyJob, CopiesAndFlushes) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  MemorySource to(Bytes(bytes.size()));
  std::uint64_t reported = 0;
  const auto written = copy({.from = from, .to = to, .bytes = bytes.size()},
                            [&](std::uint64_t done) { reported = done; });
  EXPECT_EQ(to.bytes(), bytes);
  EXPECT_EQ(written, Written(5, true));
  EXPECT_EQ(reported, bytes.size());
  EXPECT_EQ(to.take_calls().back().kind, Kind::flush);
}

TEST(CopyJob, CopiesAPartToAnotherPlace) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  MemorySource to(pattern(3 * piece_bytes, 2));
  Bytes expected = to.bytes();
  const std::size_t size = piece_bytes + 512;
  std::copy_n(bytes.begin() + 1024, size, expected.begin() + 4096);
  SourcePart from_part(from, 1024, size);
  SourcePart to_part(to, 4096, size);
  const CopyJob job{.from = from_part, .to = to_part, .bytes = size};
  verify(job, copy(job, silent), silent);
  EXPECT_EQ(to.bytes(), expected);
}

TEST(CopyJob, ZerosAreNotWrittenOverZeros) {
  Bytes bytes(3 * piece_bytes);
  bytes[piece_bytes + 70000] = std::byte{1};
  MemorySource from(bytes);
  MemorySource to(Bytes(bytes.size()));
  copy({.from = from, .to = to, .bytes = bytes.size(), .target = Target::zeros}, silent);
  EXPECT_EQ(to.bytes(), bytes);
  EXPECT_EQ(offsets(to.take_calls(), Kind::write),
            std::multiset<std::uint64_t>{piece_bytes + 65536});
}

TEST(CopyJob, ZerosAreWrittenOverAnythingElse) {
  MemorySource from(Bytes(2 * piece_bytes));
  for (const Target target : {Target::anything, Target::earlier}) {
    MemorySource to(plain(2 * piece_bytes));
    copy({.from = from, .to = to, .bytes = from.size(), .target = target}, silent);
    EXPECT_EQ(to.bytes(), from.bytes());
  }
}

TEST(CopyJob, HolesAreReadOnlyWhereTheySayNothing) {
  MemorySource from(Bytes(2 * piece_bytes));
  from.holes = [](std::uint64_t length, std::uint64_t offset) {
    return std::vector<Extent>{{std::min<std::uint64_t>(length, piece_bytes), offset == 0}};
  };
  MemorySource to(plain(2 * piece_bytes));
  CopyJob job{.from = from, .to = to, .bytes = from.size()};
  copy(job, silent);
  EXPECT_EQ(offsets(from.take_calls(), Kind::read), (std::multiset<std::uint64_t>{0, piece_bytes}));
  job.holes_are_zeros = true;
  copy(job, silent);
  EXPECT_EQ(offsets(from.take_calls(), Kind::read), (std::multiset<std::uint64_t>{piece_bytes}));
  EXPECT_EQ(to.bytes(), from.bytes());
}

TEST(CopyJob, AsksOnceForEachExtent) {
  MemorySource from(Bytes(64 * piece_bytes));
  from.holes = [](std::uint64_t length, std::uint64_t offset) {
    constexpr std::uint64_t middle = 32 * piece_bytes;
    return std::vector<Extent>{offset < middle ? Extent{std::min(length, middle - offset), false}
                                               : Extent{length, true}};
  };
  MemorySource to(Bytes(from.size()));
  copy({.from = from, .to = to, .bytes = from.size(), .holes_are_zeros = true}, silent);
  const auto calls = from.take_calls();
  EXPECT_EQ(offsets(calls, Kind::read).size(), 32U);
  // A thread may come late to the first one.
  EXPECT_LT(offsets(calls, Kind::extents).size(), 24U);
}

TEST(CopyJob, WhatAnEarlierCopyHasLeftIsNotWritten) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  Bytes half(bytes.size());
  std::copy_n(bytes.begin(), 3 * piece_bytes, half.begin());
  half[piece_bytes + 5] ^= std::byte{1};  // this one did not arrive
  MemorySource to(half);
  const auto written =
      copy({.from = from, .to = to, .bytes = bytes.size(), .target = Target::earlier}, silent);
  EXPECT_EQ(to.bytes(), bytes);
  EXPECT_EQ(written, (Written{false, true, false, true, true}));
}

TEST(CopyJob, ComparesNoLongerThanItPays) {
  const Bytes bytes = plain(some_pieces);
  MemorySource from(bytes);
  MemorySource to(pattern(bytes.size(), 2));
  const auto written =
      copy({.from = from, .to = to, .bytes = bytes.size(), .target = Target::earlier}, silent);
  EXPECT_EQ(to.bytes(), bytes);
  EXPECT_EQ(written, Written(200, true));
  EXPECT_LT(offsets(to.take_calls(), Kind::read).size(), 100U);
}

TEST(CopyJob, TheFirstPieceIsThereWhenAllElseIs) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  MemorySource to(pattern(bytes.size(), 2));
  copy({.from = from, .to = to, .bytes = bytes.size(), .first_piece_last = true}, silent);
  EXPECT_EQ(to.bytes(), bytes);
  const auto calls = to.take_calls();
  const auto count = calls.size();
  EXPECT_EQ(calls[0].offset, 0U);  // zeros
  EXPECT_EQ(calls[1].kind, Kind::flush);
  EXPECT_EQ(calls[count - 3].kind, Kind::flush);
  EXPECT_EQ(calls[count - 2], (MemorySource::Call{Kind::write, 0, piece_bytes}));
  EXPECT_EQ(calls[count - 1].kind, Kind::flush);
  EXPECT_EQ(offsets(calls, Kind::write).count(0), 2U);
}

TEST(CopyJob, WhenItFailsTheFirstPieceIsZero) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  MemorySource to(pattern(bytes.size(), 2));
  to.before = [](const MemorySource::Call& call) {
    if (call.kind == Kind::write && call.offset == 4 * piece_bytes) {
      throw Error(ErrorKind::io, "the disk is full");
    }
  };
  expect_error(ErrorKind::io, "the disk is full", [&] {
    copy({.from = from, .to = to, .bytes = bytes.size(), .first_piece_last = true}, silent);
  });
  const Bytes there = to.bytes();
  EXPECT_EQ(Bytes(there.begin(), there.begin() + piece_bytes), Bytes(piece_bytes));
}

TEST(CopyJob, VerifyFindsWhatDidNotArrive) {
  const Bytes bytes = plain();
  MemorySource from(bytes);
  Bytes other = bytes;
  other[2 * piece_bytes] ^= std::byte{1};
  MemorySource to(other);
  const CopyJob job{.from = from, .to = to, .bytes = bytes.size()};
  expect_error(ErrorKind::io, std::to_string(2 * piece_bytes),
               [&] { verify(job, Written(5, true), silent); });
  EXPECT_FALSE(is_copied(job, silent));
  verify(job, {true, true, false, true, true}, silent);
  MemorySource good(bytes);
  EXPECT_TRUE(is_copied({.from = from, .to = good, .bytes = bytes.size()}, silent));
}

}  // namespace
}  // namespace luksdetached::copy
