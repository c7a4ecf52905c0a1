#include "interruption.h"

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "base/error.h"

namespace luksdetached {

namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
unsigned scopes = 0;
std::atomic<int> noted = 0;                            // the signal
static_assert(std::atomic<int>::is_always_lock_free);  // as a signal handler needs it

void note(int number);

void restore_default_actions() {
  for (const int number : signals) {
    struct sigaction now = {};
    const bool ours = ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == note;
    if (ours) ::signal(number, SIG_DFL);
  }
}

// The next signal ends the process at once: storage that does not answer would keep it.
void note(int number) {
  noted = number;
  restore_default_actions();
}

}  // namespace

Interruption::Interruption() {
  if (scopes++ > 0) return;
  noted = 0;
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (const int number : signals) {
    struct sigaction before = {};
    const bool ignored = ::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
    if (!ignored) ::sigaction(number, &action, nullptr);  // nohup stays as it is
  }
}

Interruption::~Interruption() {
  if (--scopes == 0) restore_default_actions();
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
