#include "base/move_off_this_cpu.h"

#include <pthread.h>
#include <sched.h>

namespace luksdetached {

// Where one of these fails, or is not allowed, the thread stays where it is.
void move_off_this_cpu(std::thread& thread) noexcept {
  cpu_set_t allowed;
  const int here = ::sched_getcpu();
  if (here < 0 || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(here), &others);
  if (CPU_COUNT(&others) == 0) return;
  // A thread that is on one of them already is left there.
  if (::pthread_setaffinity_np(thread.native_handle(), sizeof others, &others) != 0) return;
  (void)::pthread_setaffinity_np(thread.native_handle(), sizeof allowed, &allowed);
}

}  // namespace luksdetached
