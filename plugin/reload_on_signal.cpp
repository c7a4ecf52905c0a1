#include "reload_on_signal.h"

#include <atomic>
#include <cerrno>

namespace luksdetached {

namespace {

// A signal handler has nothing but globals.
std::atomic<ExportKeeper*> keeper_of_signal = nullptr;

void handle_reload(int /*signal*/) {
  const int saved = errno;
  if (ExportKeeper* keeper = keeper_of_signal) keeper->reload();
  errno = saved;
}

}  // namespace

ReloadOnSignal::ReloadOnSignal(ExportKeeper& keeper) {
  keeper_of_signal = &keeper;
  struct sigaction reload {};
  reload.sa_handler = handle_reload;
  reload.sa_flags = SA_RESTART;
  sigemptyset(&reload.sa_mask);
  ::sigaction(SIGHUP, &reload, &before_);
}

ReloadOnSignal::~ReloadOnSignal() {
  ::sigaction(SIGHUP, &before_, nullptr);
  keeper_of_signal = nullptr;
}

}  // namespace luksdetached
