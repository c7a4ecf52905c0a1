#include "export/open_as.h"

#include "base/error.h"

namespace luksdetached {

std::unique_ptr<Source> open_as(const std::string& role, const std::string& uri,
                                const SourceOptions& options) {
  try {
    return open_source(uri, options);
  } catch (const Error& error) {
    throw Error(error.kind(), role + ": " + error.what(), error.errno_code());
  }
}

}  // namespace luksdetached
