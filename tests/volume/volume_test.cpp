#include "volume/volume.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <optional>
#include <thread>

#include "../base/testing.h"
#include "base/error.h"
#include "chain_cipher.h"
#include "memory_source.h"

namespace luksdetached {
namespace {

constexpr std::size_t all = SIZE_MAX;  // extents

using testing::Bytes;
using testing::ChainCipher;
using testing::MemorySource;
using testing::pattern;
using Call = MemorySource::Call;
using Kind = MemorySource::Kind;

constexpr std::size_t piece = 64 << 10;  // MemorySource's preferred request

// A volume over a source that the test can look into. `guard` bytes before and behind the area must
// never change.
struct Fixture {
  static constexpr std::size_t guard = 4096;

  explicit Fixture(std::size_t size, std::size_t bytes_of_sector = 512)
      : plain(pattern(size, 11)), sector_size(bytes_of_sector) {
    Bytes payload = pattern(size + 2 * guard, 12);
    const Bytes ciphertext = encrypted(plain);
    std::copy(ciphertext.begin(), ciphertext.end(), payload.begin() + guard);
    auto memory = std::make_unique<MemorySource>(std::move(payload));
    source = memory.get();
    volume = std::make_unique<Volume>(std::move(memory), std::make_unique<ChainCipher>(sector_size),
                                      DataArea{guard, size, sector_size}, payload_lock);
    client.emplace(volume->sync_failures());
  }

  Bytes encrypted(const Bytes& bytes) const {
    Bytes ciphertext(bytes.size());
    ChainCipher(sector_size).encrypt(bytes, ciphertext, 0);
    return ciphertext;
  }

  Bytes read(std::uint64_t offset, std::size_t length) const {
    Bytes bytes(length);
    volume->read(bytes, offset);
    return bytes;
  }
  void write(const Bytes& bytes, std::uint64_t offset, Durability durability = Durability::cached) {
    volume->write(bytes, offset, durability, *client);
  }
  // A write that is also made to the model.
  void write_both(const Bytes& bytes, std::uint64_t offset) {
    write(bytes, offset);
    std::copy(bytes.begin(), bytes.end(), plain.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  // The payload must be what encrypting the model gives, with the guards as they were.
  void expect_payload_is_the_model() const {
    Bytes expected = pattern(plain.size() + 2 * guard, 12);
    const Bytes ciphertext = encrypted(plain);
    std::copy(ciphertext.begin(), ciphertext.end(), expected.begin() + guard);
    EXPECT_TRUE(source->bytes() == expected) << "the payload is not what it should be";
  }

  Bytes plain;  // the model
  std::size_t sector_size;
  MemorySource* source = nullptr;
  RangeLock payload_lock;
  std::unique_ptr<Volume> volume;
  std::optional<SyncFailures::Witness> client;
};

Bytes slice(const Bytes& bytes, std::size_t offset, std::size_t length) {
  const auto part = std::span(bytes).subspan(offset, length);
  return {part.begin(), part.end()};
}

std::vector<std::size_t> interesting_offsets(std::size_t sector_size) {
  return {0,
          1,
          sector_size - 1,
          sector_size,
          sector_size + 1,
          3 * sector_size,
          piece - sector_size,
          piece - 1,
          piece,
          piece + 1,
          piece + sector_size + 7,
          2 * piece,
          2 * piece + 3 * sector_size - 1,
          2 * piece + 3 * sector_size};
}

TEST(VolumeTest, SaysWhatItIs) {
  const Fixture f(8192, 4096);
  EXPECT_EQ(f.volume->size(), 8192U);
  EXPECT_EQ(f.volume->sector_size(), 4096U);
  EXPECT_TRUE(f.volume->writable());
  f.source->is_writable = false;
  EXPECT_FALSE(f.volume->writable());
}

TEST(VolumeTest, ReadsAtEveryAlignmentGiveThePlainBytes) {
  for (const std::size_t sector_size : {512U, 4096U}) {
    const Fixture f(2 * piece + 3 * sector_size, sector_size);
    const auto offsets = interesting_offsets(sector_size);
    for (std::size_t a = 0; a < offsets.size(); ++a) {
      for (std::size_t b = a; b < offsets.size(); ++b) {
        const std::size_t length = offsets[b] - offsets[a];
        ASSERT_TRUE(f.read(offsets[a], length) == slice(f.plain, offsets[a], length))
            << sector_size << ": " << offsets[a] << " to " << offsets[b];
      }
    }
  }
}

TEST(VolumeTest, WritesAtEveryAlignmentChangeThoseBytesOnly) {
  for (const std::size_t sector_size : {512U, 4096U}) {
    Fixture f(2 * piece + 3 * sector_size, sector_size);
    const auto offsets = interesting_offsets(sector_size);
    for (std::size_t a = 0; a < offsets.size(); ++a) {
      for (std::size_t b = a; b < offsets.size(); ++b) {
        SCOPED_TRACE(std::to_string(sector_size) + ": " + std::to_string(offsets[a]) + " to " +
                     std::to_string(offsets[b]));
        f.write_both(pattern(offsets[b] - offsets[a], 100 * a + b), offsets[a]);
        f.expect_payload_is_the_model();
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(VolumeTest, WorksWithARealCipher) {
  const Bytes key = pattern(64);
  auto memory = std::make_unique<MemorySource>(Bytes(piece + 8192));
  const MemorySource* source = memory.get();
  RangeLock payload_lock;
  Volume volume(std::move(memory), make_sector_cipher({"aes", "xts", "plain64", ""}, key, 4096),
                {4096, piece + 4096, 4096}, payload_lock);
  SyncFailures::Witness client(volume.sync_failures());
  Bytes model(piece + 4096);
  volume.write(model, 0, Durability::cached, client);
  const Bytes data = pattern(5000, 3);
  volume.write(data, piece - 1000, Durability::cached, client);
  std::copy(data.begin(), data.end(), model.begin() + piece - 1000);
  Bytes expected(model.size());
  make_sector_cipher({"aes", "xts", "plain64", ""}, key, 4096)->encrypt(model, expected, 0);
  EXPECT_TRUE(slice(source->bytes(), 4096, expected.size()) == expected);
  Bytes back(data.size());
  volume.read(back, piece - 1000);
  EXPECT_EQ(back, data);
}

TEST(VolumeTest, WorksBeyondTwoTebibytes) {
  constexpr std::uint64_t origin = (std::uint64_t{1} << 41) + (std::uint64_t{3} << 30);
  constexpr std::size_t window = 3 * 4096;
  constexpr std::uint64_t area_offset = 1 << 20;
  auto memory = std::make_unique<MemorySource>(Bytes(window), area_offset + origin);
  const MemorySource* source = memory.get();
  RangeLock payload_lock;
  Volume volume(std::move(memory), std::make_unique<ChainCipher>(4096),
                {area_offset, origin + window, 4096}, payload_lock);
  SyncFailures::Witness client(volume.sync_failures());
  Bytes model(window);
  volume.write(model, origin, Durability::cached, client);
  const Bytes data = pattern(5000, 4);
  volume.write(data, origin + 3000, Durability::cached, client);
  std::copy(data.begin(), data.end(), model.begin() + 3000);
  Bytes expected(window);
  ChainCipher(4096).encrypt(model, expected, origin / 4096);
  EXPECT_TRUE(source->bytes() == expected);
  Bytes back(data.size());
  volume.read(back, origin + 3000);
  EXPECT_EQ(back, data);
}

// ---- what is asked of the payload ----

TEST(VolumeTest, WholeSectorsAreWrittenWithoutReading) {
  Fixture f(16384);
  f.write(pattern(1024), 512);
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::write, Fixture::guard + 512, 1024, Durability::cached}}));
}

TEST(VolumeTest, APartialWriteReadsOnlyTheSectorsAtItsEdges) {
  struct Row {
    const char* name;
    std::size_t offset, length;
    std::vector<std::uint64_t> read_sectors;
  };
  const Row table[] = {
      {"head", 100, 412 + 1024, {0}},        {"tail", 512, 1024 + 5, {3}},
      {"head and tail", 700, 2000, {1, 5}},  {"within one sector", 1030, 20, {2}},
      {"head of one sector", 1024, 20, {2}}, {"tail of one sector", 1500, 36, {2}},
      {"two neighbours", 1000, 50, {1, 2}},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    Fixture f(16384);
    f.write(pattern(row.length), row.offset);
    const std::size_t begin = row.offset / 512 * 512;
    const std::size_t end = (row.offset + row.length + 511) / 512 * 512;
    std::vector<Call> expected;
    for (const std::uint64_t sector : row.read_sectors) {
      expected.push_back({Kind::read, Fixture::guard + sector * 512, 512, Durability::cached});
    }
    expected.push_back({Kind::write, Fixture::guard + begin, end - begin, Durability::cached});
    EXPECT_EQ(f.source->take_calls(), expected);
  }
}

TEST(VolumeTest, LargeRequestsGoInPiecesOfThePreferredSize) {
  Fixture f(4 * piece);
  f.read(1000, 3 * piece);
  std::size_t bytes = 0;
  for (const Call& call : f.source->take_calls()) {
    EXPECT_LE(call.length, piece);
    bytes += call.length;
  }
  EXPECT_EQ(bytes, 3 * piece + 512);  // the sectors around it, none of them twice
  f.write(pattern(3 * piece), 512);
  for (const Call& call : f.source->take_calls()) EXPECT_LE(call.length, piece);
}

TEST(VolumeTest, ALargeReadIsDecryptedInPartsAsTheyArrive) {
  Fixture f(6 * piece);
  f.source->before = [&](const Call& call) {
    // The second part of a window: the first one is there and decrypted.
    if (call.offset == Fixture::guard + piece) throw Error(ErrorKind::io, "the cable", EIO);
  };
  Bytes back(4 * piece);
  EXPECT_THROW(f.volume->read(back, 0), Error);
  EXPECT_EQ(slice(back, 0, piece), slice(f.plain, 0, piece));
  f.source->before = {};
  EXPECT_EQ(f.read(0, 6 * piece), f.plain);
}

TEST(VolumeTest, NothingIsAskedForNoBytes) {
  Fixture f(4096);
  f.read(100, 0);
  f.write({}, 100);
  EXPECT_TRUE(f.source->take_calls().empty());
}

// ---- durability ----

TEST(VolumeTest, ADurableWriteOfOnePieceIsDurableItself) {
  Fixture f(4 * piece);
  f.write(pattern(piece), piece, Durability::durable);
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::write, Fixture::guard + piece, piece, Durability::durable}}));
}

TEST(VolumeTest, ADurablePartialWriteIsDurableItself) {
  Fixture f(16384);
  f.write(pattern(10), 5, Durability::durable);
  const auto calls = f.source->take_calls();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[1], (Call{Kind::write, Fixture::guard, 512, Durability::durable}));
}

TEST(VolumeTest, ADurableWriteOfSeveralPiecesIsMadeAgainWhenSomeMayBeLostBeforeTheFlush) {
  Fixture f(4 * piece);
  f.source->before = [&](const Call& call) {
    if (call.kind == Kind::flush) ++f.source->losses_so_far;
  };
  f.write(pattern(2 * piece), 0, Durability::durable);
  const auto calls = f.source->take_calls();
  ASSERT_EQ(calls.size(), 5U);
  EXPECT_EQ(calls[2].kind, Kind::flush);
  EXPECT_EQ(calls[3], (Call{Kind::write, Fixture::guard, piece, Durability::durable}));
  EXPECT_EQ(calls[4], (Call{Kind::write, Fixture::guard + piece, piece, Durability::durable}));
}

TEST(VolumeTest, ADurableWriteOfSeveralPiecesEndsInOneFlush) {
  for (const std::size_t offset : {std::size_t{0}, std::size_t{100}, piece - 512}) {
    Fixture f(4 * piece);
    f.write(pattern(2 * piece), offset, Durability::durable);
    const auto calls = f.source->take_calls();
    EXPECT_EQ(std::count_if(calls.begin(), calls.end(),
                            [](const Call& call) { return call.kind == Kind::flush; }),
              1);
    EXPECT_EQ(calls.back().kind, Kind::flush);
    for (const Call& call : calls) EXPECT_EQ(call.durability, Durability::cached);
  }
}

TEST(VolumeTest, ACachedWriteIsNotFlushed) {
  Fixture f(4 * piece);
  f.write(pattern(3 * piece), 100);
  for (const Call& call : f.source->take_calls()) {
    EXPECT_NE(call.kind, Kind::flush);
    EXPECT_EQ(call.durability, Durability::cached);
  }
}

TEST(VolumeTest, AFlushIsPassedOn) {
  Fixture f(4096);
  f.volume->flush(*f.client);
  EXPECT_EQ(f.source->take_calls(), (std::vector<Call>{{Kind::flush, 0, 0, Durability::cached}}));
}

TEST(VolumeTest, StartStartsThePayloadAndLocksTheKeysAgain) {
  auto memory = std::make_unique<MemorySource>(Bytes(4096));
  const MemorySource* source = memory.get();
  int locked_again = 0;
  RangeLock payload_lock;
  Volume volume(std::move(memory), std::make_unique<ChainCipher>(512, &locked_again),
                {0, 4096, 512}, payload_lock);
  EXPECT_EQ(source->starts, 0);
  volume.start();
  EXPECT_EQ(source->starts, 1);
  EXPECT_EQ(locked_again, 1);
}

// ---- zeroes ----

TEST(VolumeTest, ZeroesAtEveryAlignmentChangeThoseBytesOnly) {
  for (const std::size_t sector_size : {512, 4096}) {
    Fixture f(4 * piece, sector_size);
    for (const std::size_t offset : interesting_offsets(sector_size)) {
      for (const std::size_t length : {std::size_t{1}, sector_size, piece, piece + 1234}) {
        f.volume->zero(length, offset, Durability::cached, *f.client, [] {});
        std::fill_n(f.plain.begin() + static_cast<std::ptrdiff_t>(offset), length, std::byte{0});
      }
    }
    f.expect_payload_is_the_model();
  }
}

TEST(VolumeTest, ZeroesOfWholeSectorsAreWrittenWithoutReading) {
  Fixture f(4 * piece);
  f.volume->zero(2 * piece, piece, Durability::durable, *f.client, [] {});
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::write, Fixture::guard + piece, piece},
                               {Kind::write, Fixture::guard + 2 * piece, piece},
                               {Kind::flush, 0, 0}}));
}

TEST(VolumeTest, ALongZeroCanBeEndedBetweenItsPieces) {
  Fixture f(4 * piece);
  int pieces = 0;
  EXPECT_THROW(f.volume->zero(4 * piece, 0, Durability::cached, *f.client,
                              [&] {
                                if (++pieces == 2) throw Error(ErrorKind::io, "enough", ESHUTDOWN);
                              }),
               Error);
  std::fill_n(f.plain.begin(), 2 * piece, std::byte{0});
  f.expect_payload_is_the_model();
}

// ---- what the payload may forget, and what it has forgotten ----

TEST(VolumeTest, ADiscardLosesWholeSectorsOnly) {
  Fixture f(16384);
  f.volume->discard(1000, 500, Durability::cached, *f.client, [] {});
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::discard, Fixture::guard + 512, 512}}));
  EXPECT_EQ(f.read(0, 512), slice(f.plain, 0, 512));
  EXPECT_NE(f.read(512, 512), slice(f.plain, 512, 512));
  EXPECT_EQ(f.read(1024, 512), slice(f.plain, 1024, 512));
}

TEST(VolumeTest, ADiscardWithoutAWholeSectorAsksForNothing) {
  Fixture f(16384);
  f.volume->discard(510, 1, Durability::cached, *f.client, [] {});
  f.volume->discard(500, 600, Durability::cached, *f.client, [] {});
  f.volume->discard(0, 512, Durability::cached, *f.client, [] {});
  EXPECT_TRUE(f.source->take_calls().empty());
  f.expect_payload_is_the_model();
}

TEST(VolumeTest, ALongDiscardGoesInPartsAndCanBeEnded) {
  constexpr std::size_t part = std::size_t{16} << 20;
  Fixture f(2 * part + 4096);
  int parts = 0;
  f.volume->discard(2 * part + 4096, 0, Durability::cached, *f.client, [&] { ++parts; });
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::discard, Fixture::guard, part},
                               {Kind::discard, Fixture::guard + part, part},
                               {Kind::discard, Fixture::guard + 2 * part, 4096}}));
  EXPECT_EQ(parts, 2);
}

TEST(VolumeTest, ADurableDiscardIsFlushed) {
  Fixture f(16384);
  f.volume->discard(4096, 0, Durability::durable, *f.client, [] {});
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::discard, Fixture::guard, 4096}, {Kind::flush, 0, 0}}));
}

TEST(VolumeTest, HolesAreHiddenUnlessTheyShallBeShown) {
  for (const auto holes : {Volume::Holes::hidden, Volume::Holes::shown}) {
    RangeLock lock;
    const Volume volume(std::make_unique<MemorySource>(Bytes(4096)),
                        std::make_unique<ChainCipher>(512), {0, 4096, 512}, lock, holes);
    EXPECT_EQ(volume.can_discard(), holes == Volume::Holes::shown);
    EXPECT_EQ(volume.can_find_holes(), holes == Volume::Holes::shown);
  }
}

// What the payload says of the bytes from `begin` on, in the order of `extents`.
auto says(std::uint64_t begin, std::vector<Extent> extents) {
  return [=](std::uint64_t length, std::uint64_t offset) {
    std::vector<Extent> found;
    std::uint64_t at = begin;
    for (const Extent& extent : extents) {
      const std::uint64_t from = std::max(at, offset);
      const std::uint64_t to = std::min(at += extent.length, offset + length);
      if (from < to) found.push_back({to - from, extent.hole});
    }
    return found;
  };
}

TEST(VolumeTest, OnlyWholeSectorsAreHoles) {
  Fixture f(16384);
  // In sectors of 512: the hole begins at 100 and ends at 2600.
  f.source->holes = says(Fixture::guard, {{100, false}, {2500, true}, {13784, false}});
  EXPECT_EQ(f.volume->extents(16384, 0, all),
            (std::vector<Extent>{{512, false}, {2048, true}, {13824, false}}));
  EXPECT_EQ(f.volume->extents(1000, 700, all), (std::vector<Extent>{{1000, true}}));
  EXPECT_EQ(f.volume->extents(3000, 100, all),
            (std::vector<Extent>{{412, false}, {2048, true}, {540, false}}));
}

TEST(VolumeTest, NeighbouringHolesAreOne) {
  Fixture f(16384);
  f.source->holes = says(Fixture::guard, {{700, true}, {700, true}, {14984, true}});
  EXPECT_EQ(f.volume->extents(16384, 0, all), (std::vector<Extent>{{16384, true}}));
}

TEST(VolumeTest, FindsNoMoreExtentsThanAreWanted) {
  Fixture f(16384);
  std::size_t asked_for = 0;
  f.source->holes_wanted = [&](std::size_t most) { asked_for = most; };
  f.source->holes = says(Fixture::guard, {{4096, true}});
  EXPECT_EQ(f.volume->extents(16384, 0, 1), (std::vector<Extent>{{4096, true}}));
  EXPECT_EQ(asked_for, 1u);
}

TEST(VolumeTest, ExtentsMayEndBeforeTheRange) {
  Fixture f(16384);
  f.source->holes = says(Fixture::guard, {{1000, true}});
  EXPECT_EQ(f.volume->extents(16384, 0, all), (std::vector<Extent>{{512, true}, {512, false}}));
  f.source->holes = says(Fixture::guard, {{100, false}});
  EXPECT_EQ(f.volume->extents(16384, 0, all), (std::vector<Extent>{{512, false}}));
}

TEST(VolumeTest, PrefetchAsksForTheSectorsAroundARange) {
  Fixture f(16384);
  f.volume->prefetch(1000, 500);
  EXPECT_EQ(f.source->take_calls(), (std::vector<Call>{{Kind::prefetch, Fixture::guard, 1536}}));
}

// ---- size ----

TEST(VolumeTest, AGrownPayloadIsMeasuredForNewClients) {
  RangeLock lock;
  auto memory = std::make_unique<MemorySource>(Bytes(4096 + 8192));
  MemorySource* source = memory.get();
  Volume volume(std::move(memory), std::make_unique<ChainCipher>(512), {4096, 8192, 512, true},
                lock);
  EXPECT_EQ(volume.measure(), 8192U);
  source->size_now = 4096 + 10000;
  EXPECT_EQ(volume.measure(), 9728U) << "whole sectors";
  EXPECT_EQ(volume.size(), 9728U);
}

TEST(VolumeTest, AVolumeOfFixedSizeDoesNotGrow) {
  Fixture f(16384);
  f.source->size_now = 1 << 20;
  EXPECT_EQ(f.volume->measure(), 16384U);
}

TEST(VolumeTest, AShrunkPayloadIsRefusedToNewClientsUntilItIsWholeAgain) {
  Fixture f(16384);
  f.source->size_now = Fixture::guard + 16383;
  try {
    f.volume->measure();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::payload_too_small);
    EXPECT_STREQ(error.what(),
                 "payload memory has become too small: it has 20479 bytes, and 20480 were served; "
                 "data are missing");
  }
  f.source->size_now.reset();
  EXPECT_EQ(f.volume->measure(), 16384U);
}

// ---- errors ----

// Fails calls of one kind at one place of the payload, until told otherwise.
void fail(Fixture& f, Kind kind, std::uint64_t offset, int code) {
  f.source->before = [=](const Call& call) {
    const bool there = call.offset <= offset && offset < call.offset + call.length;
    if (call.kind == kind && (there || kind == Kind::flush)) {
      throw Error(ErrorKind::io, "injected", code);
    }
  };
}

template <typename Use>
void expect_errno(int code, Use use) {
  try {
    use();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_code(), code);
    EXPECT_STREQ(error.what(), "injected");
  }
}

TEST(VolumeTest, AnErrorOfThePayloadReachesTheCallerAndTheNextRequestWorks) {
  Fixture f(2 * piece);
  const std::uint64_t bad = Fixture::guard + 1024;
  fail(f, Kind::read, bad, EIO);
  expect_errno(EIO, [&] { f.read(0, 4096); });
  expect_errno(EIO, [&] { f.write(pattern(10), 1030); });
  fail(f, Kind::write, bad, ENOSPC);
  expect_errno(ENOSPC, [&] { f.write(pattern(512), 1024); });
  expect_errno(ENOSPC, [&] { f.write(pattern(10), 1030); });
  fail(f, Kind::flush, 0, EIO);
  expect_errno(EIO, [&] { f.volume->flush(*f.client); });
  expect_errno(EIO, [&] { f.write(pattern(2 * piece), 0, Durability::durable); });

  f.source->before = nullptr;
  f.write_both(pattern(2 * piece, 50), 0);
  f.write_both(pattern(10, 51), 1030);
  EXPECT_TRUE(f.read(0, 2 * piece) == f.plain);
  f.expect_payload_is_the_model();
}

// What the storage says once, to whoever asks first, concerns everybody who wrote.
TEST(VolumeTest, AFailedSyncIsToldToEveryClientThatWasThere) {
  const auto durable_write = [](Fixture& f, SyncFailures::Witness& client) {
    f.volume->write(pattern(512), 0, Durability::durable, client);
  };
  const auto durable_zero = [](Fixture& f, SyncFailures::Witness& client) {
    f.volume->zero(2 * piece, 0, Durability::durable, client, [] {});
  };
  const auto flush = [](Fixture& f, SyncFailures::Witness& client) { f.volume->flush(client); };
  using Sync = std::function<void(Fixture&, SyncFailures::Witness&)>;
  for (const Sync& failing : {Sync(flush), Sync(durable_write), Sync(durable_zero)}) {
    for (const Sync& next : {Sync(flush), Sync(durable_write), Sync(durable_zero)}) {
      Fixture f(4 * piece);
      SyncFailures::Witness first(f.volume->sync_failures());
      SyncFailures::Witness second(f.volume->sync_failures());
      f.source->before = [](const Call& call) {
        if (call.kind == Kind::flush || call.durability == Durability::durable) {
          throw Error(ErrorKind::io, "injected", ENOSPC);
        }
      };
      expect_errno(ENOSPC, [&] { failing(f, first); });
      f.source->before = nullptr;

      f.volume->write(pattern(512), 0, Durability::cached, second);  // no promise, no complaint
      try {
        next(f, second);
        ADD_FAILURE() << "the second client was not told";
      } catch (const Error& error) {
        EXPECT_EQ(error.errno_code(), EIO);
        EXPECT_STREQ(error.what(),
                     "an earlier flush of memory to its storage failed: what was written before it "
                     "may be lost");
      }
      EXPECT_NO_THROW(next(f, second)) << "told twice";
      EXPECT_NO_THROW(next(f, first)) << "told, and it was its own request";
      SyncFailures::Witness later(f.volume->sync_failures());
      EXPECT_NO_THROW(next(f, later)) << "it was not there";
    }
  }
}

TEST(VolumeTest, AFailureBeforeTheSyncIsTheRequestsOwn) {
  Fixture f(4 * piece);
  SyncFailures::Witness other(f.volume->sync_failures());
  fail(f, Kind::read, Fixture::guard, EIO);
  expect_errno(EIO, [&] { f.write(pattern(100), 0, Durability::durable); });
  fail(f, Kind::write, Fixture::guard + piece, ENOSPC);
  expect_errno(ENOSPC, [&] { f.write(pattern(3 * piece), 0, Durability::durable); });
  f.source->before = nullptr;
  EXPECT_NO_THROW(f.volume->flush(other));
}

TEST(VolumeTest, ASyncThatTellsOfAnEarlierFailureWasStillDone) {
  Fixture f(4 * piece);
  SyncFailures::Witness other(f.volume->sync_failures());
  f.source->before = [](const Call&) { throw Error(ErrorKind::io, "injected", EIO); };
  expect_errno(EIO, [&] { f.volume->flush(other); });
  f.source->before = nullptr;
  f.source->take_calls();
  EXPECT_THROW(f.write(pattern(512), 0, Durability::durable), Error);
  EXPECT_EQ(f.source->take_calls(),
            (std::vector<Call>{{Kind::write, Fixture::guard, 512, Durability::durable}}));
}

TEST(VolumeTest, WhenTheReadOfAPartialWriteFailsNothingIsWritten) {
  Fixture f(16384);
  for (const std::uint64_t edge : {std::uint64_t{512}, std::uint64_t{2048}}) {
    fail(f, Kind::read, Fixture::guard + edge, EIO);
    expect_errno(EIO, [&] { f.write(pattern(1800, 9), 600); });
  }
  f.expect_payload_is_the_model();
}

TEST(VolumeTest, AFailedWriteChangesNothingOutsideItsOwnSectors) {
  Fixture f(4 * piece);
  const std::size_t offset = piece - 700;
  const std::size_t length = 2 * piece;
  fail(f, Kind::write, Fixture::guard + 2 * piece, EIO);  // its second piece
  expect_errno(EIO, [&] { f.write(pattern(length, 9), offset); });
  f.source->before = nullptr;
  const std::size_t begin = offset / 512 * 512;
  const std::size_t end = (offset + length + 511) / 512 * 512;
  EXPECT_TRUE(f.read(0, begin) == slice(f.plain, 0, begin));
  EXPECT_TRUE(f.read(end, 4 * piece - end) == slice(f.plain, end, 4 * piece - end));
  // Of the sectors at its edges only the bytes that were asked for.
  EXPECT_TRUE(f.read(begin, offset - begin) == slice(f.plain, begin, offset - begin));
  EXPECT_TRUE(f.read(offset + length, end - offset - length) ==
              slice(f.plain, offset + length, end - offset - length));
}

TEST(VolumeTest, AWriteStopsAtTheFirstPieceThatFails) {
  Fixture f(4 * piece);
  fail(f, Kind::write, Fixture::guard + piece, EIO);
  expect_errno(EIO, [&] { f.write(pattern(4 * piece), 0, Durability::durable); });
  EXPECT_EQ(f.source->take_calls().size(), 2U);
}

// ---- many threads ----

constexpr std::chrono::milliseconds a_while{100};
constexpr std::chrono::seconds for_ever{20};

// Lets the first call of a kind wait, and tells that it does.
class Pause {
 public:
  MemorySource::Hook at_first(Kind kind) {
    return [this, kind](const Call& call) {
      if (call.kind != kind || seen_.exchange(true)) return;
      reached_.set_value();
      go_on_.get_future().wait_for(a_while);
    };
  }
  void wait_until_reached() {
    ASSERT_EQ(reached_.get_future().wait_for(for_ever), std::future_status::ready);
  }
  void go_on() { go_on_.set_value(); }

 private:
  std::atomic<bool> seen_{false};
  std::promise<void> reached_, go_on_;
};

// The aligned write comes between the read and the write of a partial one. If it got in, the
// partial write would put the old sector back over it.
TEST(VolumeTest, AnAlignedWriteIsNotLostInTheReadModifyWriteOfAPartialOne) {
  Fixture f(16384);
  Pause pause;
  f.source->before = pause.at_first(Kind::read);
  std::thread partial([&] { f.write(pattern(20, 1), 1030); });
  pause.wait_until_reached();
  const Bytes sector = pattern(512, 2);
  f.write(sector, 1024);
  pause.go_on();
  partial.join();
  EXPECT_TRUE(f.read(1024, 512) == sector);
}

TEST(VolumeTest, TwoPartialWritesOfOneSectorBothRemain) {
  Fixture f(16384);
  Pause pause;
  f.source->before = pause.at_first(Kind::read);
  std::thread first([&] { f.write(pattern(20, 1), 1030); });
  pause.wait_until_reached();
  f.write(pattern(20, 2), 1400);
  pause.go_on();
  first.join();
  EXPECT_EQ(f.read(1030, 20), pattern(20, 1));
  EXPECT_EQ(f.read(1400, 20), pattern(20, 2));
}

// The two meet only in the sector that is one's last and the other's first.
TEST(VolumeTest, PartialWritesThatShareOnlyASectorAtTheirEdgesBothRemain) {
  Fixture f(2 * piece + 512);
  Pause pause;
  f.source->before = pause.at_first(Kind::read);
  std::thread first([&] { f.write(pattern(1000, 1), piece - 900); });  // ends at piece + 100
  pause.wait_until_reached();
  f.write(pattern(1000, 2), piece + 100);
  pause.go_on();
  first.join();
  EXPECT_EQ(f.read(piece - 900, 1000), pattern(1000, 1));
  EXPECT_EQ(f.read(piece + 100, 1000), pattern(1000, 2));
}

TEST(VolumeTest, AReadDoesNotSeeHalfOfAPartialWrite) {
  Fixture f(16384);
  const Bytes before = slice(f.plain, 1024, 512);
  Pause pause;
  f.source->half_way = pause.at_first(Kind::write);
  std::thread partial([&] { f.write(pattern(400, 1), 1030); });
  pause.wait_until_reached();
  const Bytes seen = f.read(1024, 512);
  pause.go_on();
  partial.join();
  const Bytes after = f.read(1024, 512);
  EXPECT_NE(before, after);
  EXPECT_TRUE(seen == before || seen == after) << "something between the two was seen";
}

// Another way to the bytes of a source, as a second export of one payload has.
class AnotherDoor final : public Source {
 public:
  explicit AnotherDoor(Source& source) : source_(source) {}
  const std::string& name() const noexcept override { return source_.name(); }
  std::uint64_t size() const noexcept override { return source_.size(); }
  bool writable() const noexcept override { return false; }
  std::size_t preferred_request() const noexcept override { return source_.preferred_request(); }
  void read(std::span<std::byte> to, std::uint64_t offset) override { source_.read(to, offset); }
  void write(std::span<const std::byte>, std::uint64_t, Durability) override {
    throw std::logic_error("written");
  }
  void flush() override {}

 private:
  Source& source_;
};

// What is between the two would decrypt to noise, also where nobody wrote. The other volume's area
// begins a mebibyte later, which is as much as is locked at once, so that it is not the volumes'
// own offsets that are locked.
TEST(VolumeTest, AReadOfAnotherVolumeOfThePayloadDoesNotSeeHalfOfAPartialWrite) {
  constexpr std::size_t mebibyte = 1 << 20;
  Fixture f(mebibyte + 16384);
  Volume other(std::make_unique<AnotherDoor>(*f.source), std::make_unique<ChainCipher>(512),
               {Fixture::guard + mebibyte, 16384, 512}, f.payload_lock);
  const auto read_sector = [&] {
    Bytes sector(512);
    other.read(sector, 1024);
    return sector;
  };
  const Bytes before = read_sector();
  Pause pause;
  f.source->half_way = pause.at_first(Kind::write);
  std::thread partial([&] { f.write(pattern(400, 1), mebibyte + 1030); });
  pause.wait_until_reached();
  const Bytes seen = read_sector();
  pause.go_on();
  partial.join();
  const Bytes after = read_sector();
  EXPECT_NE(before, after);
  EXPECT_TRUE(seen == before || seen == after) << "something between the two was seen";
}

// Else the partial write would put back what was to be forgotten.
TEST(VolumeTest, ADiscardDoesNotComeBetweenTheReadAndTheWriteOfAPartialWrite) {
  Fixture f(16384);
  Pause pause;
  f.source->before = pause.at_first(Kind::read);
  std::thread partial([&] { f.write(pattern(20, 1), 1030); });
  pause.wait_until_reached();
  f.volume->discard(512, 1024, Durability::cached, *f.client, [] {});
  pause.go_on();
  partial.join();
  const auto calls = f.source->take_calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[1].kind, Kind::write);
  EXPECT_EQ(calls[2].kind, Kind::discard);
}

// A meeting point for two: tells whether both were there at one time.
class Meeting {
 public:
  bool join() {
    std::unique_lock lock(mutex_);
    ++there_;
    changed_.notify_all();
    return changed_.wait_for(lock, for_ever, [&] { return there_ >= 2; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int there_ = 0;
};

TEST(VolumeTest, WritesOfWholeSectorsRunInParallel) {
  Fixture f(16384);
  Meeting meeting;
  std::atomic<int> met{0};
  f.source->half_way = [&](const Call&) { met += meeting.join() ? 1 : 0; };
  std::thread first([&] { f.write(pattern(512, 1), 0); });
  f.write(pattern(512, 2), 512);
  first.join();
  EXPECT_EQ(met, 2);
}

TEST(VolumeTest, ReadsRunInParallel) {
  Fixture f(16384);
  Meeting meeting;
  std::atomic<int> met{0};
  f.source->before = [&](const Call&) { met += meeting.join() ? 1 : 0; };
  std::thread first([&] { f.read(100, 1000); });
  f.read(100, 1000);
  first.join();
  EXPECT_EQ(met, 2);
}

// Each thread owns every fourth byte range of 100 bytes: sectors are shared, bytes are not.
TEST(VolumeTest, ThreadsThatWriteNeighbouringBytesAllSucceed) {
  Fixture f(16 * 512);
  constexpr std::size_t part = 100;
  constexpr unsigned threads = 4;
  std::vector<std::thread> writers;
  for (unsigned id = 0; id < threads; ++id) {
    writers.emplace_back([&, id] {
      for (unsigned round = 0; round < 20; ++round) {
        for (std::size_t at = id * part; at + part <= f.plain.size(); at += threads * part) {
          f.write(pattern(part, 1000 * round + at), at);
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (std::size_t at = 0; at + part <= f.plain.size(); at += part) {
    EXPECT_EQ(f.read(at, part), pattern(part, 19000 + at)) << at;
  }
}

}  // namespace
}  // namespace luksdetached
