// Threads that compute, each on a CPU of its own from its start.
#pragma once

#include <thread>

namespace luksdetached {

/// Has a thread that was just started, and cannot have ended, go on on another CPU, if it is on the
/// caller's and may be on others. The kernel may put it there, and then has both take turns until
/// it balances: which was seen to take 20 ms, a quarter of an unlocking. Afterwards the thread may
/// be wherever it might be before.
void move_off_this_cpu(std::thread& thread) noexcept;

}  // namespace luksdetached
