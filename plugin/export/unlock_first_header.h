// Several headers of one volume: the first that opens is used.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "export/load_header.h"
#include "luks/unlock.h"

namespace luksdetached {

/// The header that was used.
struct UnlockedHeader {
  std::string name;
  LoadedHeader loaded;
  luks::Unlocked unlocked;
};

/// Called with a header that is about to be unlocked.
using CheckHeader = std::function<void(const std::string& uri, const LoadedHeader& loaded)>;

/// Takes the headers of `options` in their order until one can be read, is the required one and
/// unlocks; those behind it are not looked at. Each must be of the same volume as those that were
/// read before it. `check` is called before the secrets are read, which happens once, and before
/// each attempt to unlock. `warnings` gets why headers were not used, and what is strange about
/// those that were read.
///
/// Throws Error: of the last resort, that no header could be used, and why; at once what `check`
/// and reading the secrets throw, policy when two headers are of different volumes, and what keeps
/// an intact header from being served whatever opens it: an older one may not show that.
UnlockedHeader unlock_first_header(const ExportOptions& options, const CheckHeader& check,
                                   std::vector<std::string>& warnings);

}  // namespace luksdetached
