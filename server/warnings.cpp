#include "warnings.h"

#include <cstdio>

#include "source/uri.h"

namespace luksdetached {

void Warnings::add(const std::string& text) {
  texts_.push_back(text);
  if (!json_) std::fprintf(stderr, "luksdetached: warning: %s\n", escape_control(text).c_str());
}

void warn_about(const luks::Header& header, const std::string& name, Warnings& warnings) {
  for (const luks::Refusal& refusal : header.refusals) {
    warnings.add("header " + name + " would not be served: " + refusal.message);
  }
  for (const std::string& text : header.warnings) warnings.add("header " + name + ": " + text);
}

}  // namespace luksdetached
