// Asks the running service.
#pragma once

#include <nlohmann/json.hpp>

#include "config/service_config.h"

namespace luksdetached {

enum class Request {
  status,
  reload,  ///< its config shall be read again, which has not been done yet when the report comes
};

/// Connects to the status socket that `config` names and returns the report. Throws
/// std::runtime_error when there is none, nobody answers within five seconds, or the answer is not
/// a report.
nlohmann::ordered_json ask_service(const ServiceConfig& config, Request request);

}  // namespace luksdetached
