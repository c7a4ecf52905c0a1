// Keeps signals away from threads of ours: they are for nbdkit's own.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace luksdetached {

/// A thread that is made in its scope gets no signals.
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
