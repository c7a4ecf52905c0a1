#include "export_log.h"

#include <sstream>
#include <string>
#include <utility>

namespace luksdetached {

ExportEvents events_of_one(const Log& log, ExportEvents::Tell debug) {
  return {
      .opened = std::move(debug),
      .warning = [&log](const std::string&,
                        const std::string& text) { log.write(LogLevel::warning, text); },
      .failed = [](const std::string&, const std::string&) {},
      .removed = [](const std::string&, const std::string&) {},
      .not_followed = [](const std::string&) {},
      .news = [&log](const std::string&,
                     const std::string& text) { log.write(LogLevel::warning, text); },
  };
}

ExportEvents events_of_service(const Log& log, Audit& audit) {
  const auto tell = [&log](LogLevel level, const char* what) {
    return [&log, level, what](const std::string& name, const std::string& text) {
      log.write(level, "export " + name + what + text);
    };
  };
  return {
      .opened = tell(LogLevel::notice, " is open: "),
      .warning = tell(LogLevel::warning, ": "),
      .failed = tell(LogLevel::error, " is refused to clients: "),
      .removed = [&audit](const std::string& name,
                          const std::string& text) { audit.removed(name, text); },
      // A line for each mistake.
      .not_followed =
          [&log](const std::string& mistakes) {
            std::istringstream lines(mistakes);
            for (std::string line; std::getline(lines, line);) {
              log.write(LogLevel::error,
                        "the config was not followed, nothing is changed: " + line);
            }
          },
      .news = tell(LogLevel::warning, ": "),
      .unlocked = [&audit](const std::string& name,
                           const UnlockFacts& facts) { audit.unlocked(name, facts); },
  };
}

}  // namespace luksdetached
