// Messages that say which header they are about.
#pragma once

#include <string>

#include "base/error.h"
#include "source/uri.h"

namespace luksdetached {

/// Runs `step`; what it throws gets `role`, such as "header", and the name of `uri` in front.
template <typename Step>
auto of_header(const std::string& role, const std::string& uri, Step step) {
  try {
    return step();
  } catch (const Error& error) {
    throw Error(error.kind(), role + " " + parse_uri(uri).name + ": " + error.what(),
                error.errno_code());
  }
}

}  // namespace luksdetached
