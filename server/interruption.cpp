#include "interruption.h"

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "base/error.h"

namespace luksdetached {

namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> noted = 0;                            // the signal
static_assert(std::atomic<int>::is_always_lock_free);  // as a signal handler needs it

void note(int number) {
  noted = number;
}

}  // namespace

Interruption::Interruption() {
  noted = 0;
  struct sigaction action = {};
  action.sa_handler = note;
  // The same signal again ends the process at once: storage that does not answer would keep it.
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  for (const int number : signals) {
    struct sigaction before = {};
    const bool ignored = ::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
    if (!ignored) ::sigaction(number, &action, nullptr);  // nohup stays as it is
  }
}

Interruption::~Interruption() {
  for (const int number : signals) {
    struct sigaction now = {};
    const bool ours = ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == note;
    if (ours) ::signal(number, SIG_DFL);
  }
}

void Interruption::check() {
  if (noted == 0) return;
  throw Error(ErrorKind::io, "interrupted; the same command, given again, continues", EINTR);
}

void Interruption::end_process() {
  if (noted == 0) return;
  std::fflush(nullptr);
  ::signal(noted, SIG_DFL);
  ::raise(noted);
}

}  // namespace luksdetached
