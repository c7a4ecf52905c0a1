// Lets a service follow its config when it gets SIGHUP, which would end nbdkit.
#pragma once

#include <signal.h>

#include "export/export_keeper.h"

namespace luksdetached {

/// While one exists, SIGHUP calls ExportKeeper::reload. There can be one in a process.
class ReloadOnSignal {
 public:
  /// In the process that serves, after nbdkit has set up its signals. `keeper` must outlive it.
  explicit ReloadOnSignal(ExportKeeper& keeper);
  ReloadOnSignal(const ReloadOnSignal&) = delete;
  ReloadOnSignal& operator=(const ReloadOnSignal&) = delete;
  /// Gives the signal back to whom it was of.
  ~ReloadOnSignal();

 private:
  struct sigaction before_ {};
};

}  // namespace luksdetached
