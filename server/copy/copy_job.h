// Copies bytes from one Source to another one so that they are surely there, or the same copy can
// be done again and takes up what is there already.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "source/source.h"

namespace luksdetached::copy {

/// What the target has before a copy.
enum class Target {
  zeros,     ///< it reads as zeros: these need not be written
  anything,  ///< nothing of it can be of use
  earlier,   ///< maybe what an earlier copy has left: what is right already is not written
};

/// What is to be copied.
struct CopyJob {
  Source& from;
  Source& to;
  std::uint64_t bytes;
  Target target = Target::anything;
  bool holes_are_zeros = false;   ///< what `from` calls holes need not be read
  bool first_piece_last = false;  ///< until all else is there, the target begins with zeros
};

/// Hears how many bytes are done, in the calling thread, every now and then; what it throws ends
/// the copy.
using Report = std::function<void(std::uint64_t bytes)>;

/// For each piece, whether it was written.
using Written = std::vector<bool>;

/// Copies, and returns when all of it is on stable storage. Throws Error; then any part may have
/// been written, but with `first_piece_last` not the first one.
///
/// No record of progress is kept that could be wrong: with Target::earlier the pieces are compared,
/// until so many in a row are others that nothing more of an earlier copy is to be expected.
Written copy(const CopyJob& job, const Report& report);

/// Reads the pieces that were written again, from both, and throws Error(io) when they are not the
/// same.
void verify(const CopyJob& job, const Written& written, const Report& report);

/// Is everything there already?
bool is_copied(const CopyJob& job, const Report& report);

}  // namespace luksdetached::copy
