#include "export/load_service.h"

#include "source/uri.h"

namespace luksdetached {

ServiceConfig load_service(const std::string& path) {
  return load_config(path, [](std::string_view uri) { return parse_uri(uri).place; });
}

}  // namespace luksdetached
