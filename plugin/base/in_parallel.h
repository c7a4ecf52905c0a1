// The parts of a computation at the same time.
#pragma once

#include <functional>

namespace luksdetached {

/// Calls `work` with 0, 1, … `count` - 1, each on a thread of its own, and returns when all have
/// returned. The caller's thread is one of them, and does also what no thread can be had for.
/// `work` throws nothing.
void in_parallel(unsigned count, const std::function<void(unsigned)>& work);

}  // namespace luksdetached
