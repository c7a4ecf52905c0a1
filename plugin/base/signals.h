// Keeps signals away: from threads of ours, as they are for nbdkit's own, and from what must not be
// left half done.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace luksdetached {

/// Neither this thread nor one that is made in its scope gets signals; what has come in the
/// meantime is there when it ends.
class NoSignals {
 public:
  NoSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace luksdetached
