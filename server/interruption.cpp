#include "interruption.h"

#include <signal.h>

#include <atomic>
#include <cerrno>

#include "base/error.h"

namespace luksdetached {

namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // as a signal handler needs it

void note(int /*number*/) {
  interrupted = true;
}

}  // namespace

Interruption::Interruption() {
  interrupted = false;
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
  if (!interrupted) return;
  throw Error(ErrorKind::io, "interrupted; the same command, given again, continues", EINTR);
}

}  // namespace luksdetached
