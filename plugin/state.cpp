#include "state.h"

namespace luksdetached {

State& state() {
  static auto* const the_state = new State;
  return *the_state;
}

void log_error(const std::string& text) {
  if (state().is_serving) {
    state().log.write(LogLevel::error, text);
  } else {
    nbdkit_error("%s", text.c_str());
  }
}

void log_error(const Error& error) {
  if (error.kind() != ErrorKind::io) {
    log_error(error.what());
  } else if (const auto dropped = state().io_errors.admit(LogLimit::Clock::now())) {
    log_error(error.what() +
              (*dropped == 0 ? "" : " (and " + std::to_string(*dropped) + " before it)"));
  }
}

}  // namespace luksdetached
