// Asks the running service.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace luksdetached {

enum class Request {
  status,
  reload,  ///< its config shall be read again, which has not been done yet when the report comes
};

/// Connects to the status socket at `path` and returns the report. Throws Error when
/// the path is empty, nobody answers within five seconds, or the answer is not a report.
nlohmann::ordered_json ask_service(const std::string& path, Request request);

}  // namespace luksdetached
