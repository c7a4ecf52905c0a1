// What a soak test knows of one export: what each of its sectors may hold, and whether the service
// is to serve it now.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace luksdetached::testing {

inline constexpr std::size_t unit = 512;  ///< bytes that are written as a whole

/// The contents of a unit: zeros for generation 0, else what only this unit of this export has in
/// this generation.
inline void fill_unit(std::span<std::byte> to, std::uint64_t number, std::uint64_t index,
                      std::uint32_t generation) {
  if (generation == 0) {
    std::fill(to.begin(), to.end(), std::byte{0});
    return;
  }
  // The first word says in the clear what it is, for whoever looks for the cause of a wrong one.
  std::uint64_t word = number << 48 | index << 24 | generation;
  for (std::size_t at = 0; at < to.size(); at += sizeof word) {
    std::memcpy(&to[at], &word, sizeof word);
    word = (word ^ word >> 29) * 0xbf58476d1ce4e5b9U + at + 1;
  }
}

/// Which generation the bytes of a unit are of, or -1 when they are none of this unit's.
inline std::int64_t generation_of(std::span<const std::byte> found, std::uint64_t number,
                                  std::uint64_t index) {
  std::array<std::byte, unit> expected{};
  if (std::ranges::equal(found, expected)) return 0;
  std::uint64_t word = 0;
  std::memcpy(&word, found.data(), sizeof word);
  const auto generation = static_cast<std::uint32_t>(word & 0xffffff);
  if (generation == 0) return -1;
  fill_unit(expected, number, index, generation);
  return std::ranges::equal(found, expected) ? generation : -1;
}

/// Units next to each other.
struct Run {
  std::uint64_t first = 0, count = 0;

  std::uint64_t offset() const { return first * unit; }
  std::uint64_t bytes() const { return count * unit; }
};

/// One export. Its units are in parts, of which each belongs to one client at a time, who alone
/// reads and writes it; the parts share the sectors of a volume at their edges.
///
/// A write that was not answered may come true or not, and later: until its connection is known to
/// have ended, the units may be either, and are not written. What tells is that the export was
/// removed and is served for writing again, which the service does not before all requests of the
/// one that was removed have ended.
class ExportModel {
 public:
  static constexpr unsigned parts = 4;
  static constexpr std::uint64_t group = 63;  ///< units of one part that are next to each other

  ExportModel(std::uint64_t number, std::uint64_t bytes)
      : number_(number),
        may_be_(bytes / unit, std::vector<std::uint32_t>{0}),
        unsure_(may_be_.size()) {}

  // ---- what the service is to do with it ----

  enum class State { absent, changing, open };

  struct View {
    State state = State::absent;
    std::string name{};
    bool read_only = false;
    unsigned changes = 0;  ///< begun
    unsigned ended = 0;    ///< of those, after which earlier connections are refused everything
    unsigned settled = 0;  ///< of those, after which nothing of earlier connections is under way
  };

  View view() {
    const std::lock_guard lock(mutex_);
    return view_;
  }

  /// From now on the service may end its connections, and have it or not.
  void change() {
    const std::lock_guard lock(mutex_);
    view_.state = State::changing;
    ++view_.changes;
  }

  /// The change is done.
  void changed(State state, std::string name, bool read_only) {
    const std::lock_guard lock(mutex_);
    view_.state = state;
    view_.name = std::move(name);
    view_.read_only = read_only;
    view_.ended = view_.changes;
    if (state == State::open && !read_only) view_.settled = view_.changes;
  }

  // ---- who has which part ----

  /// Takes a part that nobody has, or returns `parts`.
  unsigned take_part() {
    const std::lock_guard lock(mutex_);
    const auto free = std::ranges::find(taken_, false);
    if (free != taken_.end()) *free = true;
    return static_cast<unsigned>(free - taken_.begin());
  }

  void give_back(unsigned part) {
    const std::lock_guard lock(mutex_);
    taken_[part] = false;
  }

  /// Units of one group of the part, mostly few.
  template <typename Random>
  Run random_run(unsigned part, std::uint64_t turn, Random& random) const {
    const std::uint64_t groups = may_be_.size() / group / parts;
    const std::uint64_t begin = ((turn % groups) * parts + part) * group;
    const std::uint64_t most = random() % 8 == 0 ? group : 5;
    const std::uint64_t count = 1 + random() % most;
    return {begin + random() % (group - count + 1), count};
  }

  // ---- what its units hold; for whoever has the part ----

  std::uint64_t units() const { return may_be_.size(); }

  bool is_sure(Run run) const {
    return std::all_of(may_be_.begin() + at(run.first), may_be_.begin() + at(run.first + run.count),
                       [](const auto& all) { return all.size() == 1; });
  }

  /// The bytes to write for a generation that these units had not before (0: zeros).
  std::vector<std::byte> contents(Run run, std::uint32_t generation) const {
    std::vector<std::byte> bytes(run.bytes());
    for (std::uint64_t i = 0; i < run.count; ++i) {
      fill_unit(std::span(bytes).subspan(i * unit, unit), number_, run.first + i, generation);
    }
    return bytes;
  }

  /// A write was answered.
  void written(Run run, std::uint32_t generation) {
    for (std::uint64_t i = run.first; i < run.first + run.count; ++i) may_be_[i] = {generation};
  }

  /// A write was not, or with an error, on a connection from after `changes`.
  void maybe_written(Run run, std::uint32_t generation, unsigned changes) {
    for (std::uint64_t i = run.first; i < run.first + run.count; ++i) {
      may_be_[i].push_back(generation);
      unsure_[i] = changes;
    }
  }

  /// What is wrong with what was read on a connection from when so many changes had settled; empty
  /// when nothing is.
  std::string compare(Run run, std::span<const std::byte> found, unsigned settled) {
    for (std::uint64_t i = 0; i < run.count; ++i) {
      const std::uint64_t index = run.first + i;
      const std::int64_t generation = generation_of(found.subspan(i * unit, unit), number_, index);
      std::vector<std::uint32_t>& may_be = may_be_[index];
      if (std::ranges::find(may_be, generation) == may_be.end()) {
        std::string text = "export " + std::to_string(number_) + " unit " + std::to_string(index) +
                           " holds generation " + std::to_string(generation) + " instead of";
        for (const std::uint32_t one : may_be) text += " " + std::to_string(one);
        return text;
      }
      if (settled > unsure_[index]) may_be = {static_cast<std::uint32_t>(generation)};
    }
    return {};
  }

 private:
  static std::ptrdiff_t at(std::uint64_t index) { return static_cast<std::ptrdiff_t>(index); }

  const std::uint64_t number_;
  std::vector<std::vector<std::uint32_t>> may_be_;  // the generations of each unit
  std::vector<unsigned> unsure_;                    // after how many changes its connection came

  std::mutex mutex_;  // guards what follows
  View view_;
  std::array<bool, parts> taken_{};
};

}  // namespace luksdetached::testing
