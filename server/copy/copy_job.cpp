#include "copy_job.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/error.h"
#include "pieces.h"
#include "zeros.h"

namespace luksdetached::copy {

namespace {

// A file's holes are not smaller, and small ones gain nothing.
constexpr std::size_t hole_bytes = std::size_t{64} << 10;
// So many pieces that are others say that an earlier copy did not get there. More than are worked
// on at once.
constexpr unsigned enough_others = 64;

// Memory of one thread for a piece of each end.
std::span<std::byte> memory(std::size_t end, std::size_t size) {
  thread_local std::unique_ptr<std::byte[]> pieces[2];
  if (!pieces[end]) pieces[end] = std::make_unique_for_overwrite<std::byte[]>(piece_bytes);
  return {pieces[end].get(), size};
}

// Where the source of a job has holes whose bytes are known without reading them. Asks once for
// each extent: to find where one ends may take as long as it is.
class Holes {
 public:
  explicit Holes(const CopyJob& job)
      : job_(job), wanted_(job.holes_are_zeros && job.from.can_find_holes()) {}

  bool cover(const Piece& piece) {
    if (!wanted_) return false;
    const std::lock_guard lock(mutex_);
    if (piece.offset < begin_ || piece.offset >= end_) {
      const Extent extent = job_.from.extents(job_.bytes - piece.offset, piece.offset, 1).front();
      begin_ = piece.offset;
      end_ = piece.offset + extent.length;
      hole_ = extent.hole;
    }
    return hole_ && piece.offset + piece.size <= end_;
  }

 private:
  const CopyJob& job_;
  bool wanted_;
  std::mutex mutex_;         // guards what follows
  std::uint64_t begin_ = 0;  // of the extent that was asked for last
  std::uint64_t end_ = 0;
  bool hole_ = false;
};

std::span<const std::byte> read_from(const CopyJob& job, Holes& holes, const Piece& piece) {
  const std::span<std::byte> bytes = memory(0, piece.size);
  if (holes.cover(piece)) {
    std::ranges::fill(bytes, std::byte{0});
  } else {
    job.from.read(bytes, piece.offset);
  }
  return bytes;
}

bool is_there(const CopyJob& job, const Piece& piece, std::span<const std::byte> bytes) {
  const std::span<std::byte> there = memory(1, piece.size);
  job.to.read(there, piece.offset);
  return std::ranges::equal(there, bytes);
}

class Copy {
 public:
  Copy(const CopyJob& job, const Report& report)
      : job_(job), report_(report), written_(count_pieces(job.bytes)) {}

  Written run() {
    const std::uint64_t count = written_.size();
    if (!job_.first_piece_last) {
      run(0, count);
      job_.to.flush();
    } else {
      blank_first();
      run(1, count);
      job_.to.flush();
      run(0, 1);
      job_.to.flush();
    }
    return {written_.begin(), written_.end()};
  }

 private:
  void run(std::uint64_t begin, std::uint64_t end) {
    for_each_piece(
        begin, end, [this](std::uint64_t number) { put(piece_of(job_.bytes, number)); },
        [this] { report_(done_); });
  }

  void blank_first() {
    const std::vector<std::byte> zeros(piece_of(job_.bytes, 0).size);
    job_.to.write(zeros, 0, Durability::cached);
    job_.to.flush();
  }

  void put(const Piece& piece) {
    const std::span<const std::byte> bytes = read_from(job_, holes_, piece);
    if (!has_it(piece, bytes)) {
      const std::vector<Run> runs = job_.target == Target::zeros
                                        ? data_runs(bytes, hole_bytes)
                                        : std::vector<Run>{{0, bytes.size()}};
      for (const Run& run : runs) {
        job_.to.write(bytes.subspan(run.offset, run.size), piece.offset + run.offset,
                      Durability::cached);
      }
      written_[piece.number] = 1;
    }
    done_ += piece.size;
  }

  bool has_it(const Piece& piece, std::span<const std::byte> bytes) {
    if (job_.target != Target::earlier) return false;
    // What was not written yet often reads as zeros; it may stay a hole.
    if (others_ >= enough_others && !is_zero(bytes)) return false;
    if (is_there(job_, piece, bytes)) {
      if (!is_zero(bytes)) others_ = 0;
      return true;
    }
    ++others_;
    return false;
  }

  const CopyJob& job_;
  const Report& report_;
  Holes holes_{job_};
  std::vector<char> written_;  // one byte each: threads write beside each other
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<unsigned> others_ = 0;  // in a row
};

}  // namespace

Written copy(const CopyJob& job, const Report& report) {
  return Copy(job, report).run();
}

void verify(const CopyJob& job, const Written& written, const Report& report) {
  Holes holes(job);
  std::atomic<std::uint64_t> done = 0;
  const auto check = [&](std::uint64_t number) {
    const Piece piece = piece_of(job.bytes, number);
    if (written[number] && !is_there(job, piece, read_from(job, holes, piece))) {
      throw Error(ErrorKind::io,
                  "what is read back from " + job.to.name() + " in the " +
                      std::to_string(piece.size) + " bytes at " + std::to_string(piece.offset) +
                      " is not what " + job.from.name() +
                      " has: either its storage is faulty, or somebody writes one of them; nothing "
                      "was finished, and the same command tries again");
    }
    done += piece.size;
  };
  for_each_piece(0, written.size(), check, [&] { report(done); });
}

bool is_copied(const CopyJob& job, const Report& report) {
  Holes holes(job);
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> same = true;
  const auto look = [&](std::uint64_t number) {
    const Piece piece = piece_of(job.bytes, number);
    if (same && !is_there(job, piece, read_from(job, holes, piece))) same = false;
    done += piece.size;
  };
  for_each_piece(0, count_pieces(job.bytes), look, [&] { report(done); });
  return same;
}

}  // namespace luksdetached::copy
