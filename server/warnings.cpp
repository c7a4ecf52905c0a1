#include "warnings.h"

#include <cstdio>

#include "source/uri.h"

namespace luksdetached {

void Warnings::add(const std::string& text) {
  texts_.push_back(text);
  if (!json_) std::fprintf(stderr, "luksdetached: warning: %s\n", escape_control(text).c_str());
}

void warn_about(const luks::Header& header, const std::string& name, Warnings& warnings) {
  const std::string about = "header " + name;
  for (const luks::Refusal& refusal : header.refusals) {
    warnings.add(std::string(about).append(" would not be served: ").append(refusal.message));
  }
  for (const std::string& text : header.warnings) {
    warnings.add(std::string(about).append(": ").append(text));
  }
}

}  // namespace luksdetached
