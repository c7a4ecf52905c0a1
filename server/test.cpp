#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "export/unlock_header.h"
#include "option_arguments.h"
#include "print_json.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

// What the secret did.
struct Outcome {
  std::string header;
  std::vector<std::string> warnings;
  std::optional<unsigned> keyslot;
  double seconds;  // from the secret to the volume key
};

Outcome unlock(const ExportOptions& options) {
  const std::string& uri = options.headers.front();
  const std::string name = parse_uri(uri).name;
  const LoadedHeader loaded = read_required_header(options, uri);
  check_servable(uri, loaded.header, opener_of(options));
  const std::string about_header = "header " + name + ": ";
  std::vector<std::string> warnings;
  warnings.reserve(loaded.header.warnings.size());
  for (const std::string& text : loaded.header.warnings) warnings.push_back(about_header + text);
  const Warn warn = [&](const std::string& text) { warnings.push_back(text); };
  const std::vector<SecureBuffer> secrets = read_secrets(options, warn);
  const auto start = std::chrono::steady_clock::now();
  luks::KdfBudget budget = kdf_budget(options);
  const luks::Unlocked unlocked = unlock_header(options, uri, loaded, secrets, budget, warn);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {name, std::move(warnings), unlocked.keyslot, took.count()};
}

ExportOptions read_options(HeaderArguments& arguments) {
  arguments.options.ask_unless_given(
      "test needs --secret SECRET, --passphrase +FILE or --volume-key SECRET");
  return arguments.options.options(Purpose::unlock);
}

void report_failure(const Error& error) {
  print_json({{"schema", 1}, {"unlocks", false}, {"error", error_json(error)}});
}

Outcome unlock_or_report(HeaderArguments& arguments) {
  try {
    return unlock(read_options(arguments));
  } catch (const OptionError& error) {
    if (arguments.json) report_failure(Error(ErrorKind::usage, error.what()));
    throw;
  } catch (const Error& error) {
    if (arguments.json) report_failure(error);
    throw;
  }
}

}  // namespace

int test(HeaderArguments& arguments) {
  const Outcome outcome = unlock_or_report(arguments);
  if (arguments.json) {
    print_json({{"schema", 1},
                {"unlocks", true},
                {"header", outcome.header},
                {"warnings", outcome.warnings},
                {"keyslot", outcome.keyslot ? nlohmann::ordered_json(*outcome.keyslot)
                                            : nlohmann::ordered_json(nullptr)},
                {"seconds", outcome.seconds}});
    return exit_done;
  }
  for (const std::string& text : outcome.warnings) {
    std::fprintf(stderr, "luksdetached: warning: %s\n", escape_control(text).c_str());
  }
  const std::string by =
      outcome.keyslot ? "key slot " + std::to_string(*outcome.keyslot) : "its volume key";
  std::printf("%s: unlocked by %s in %.2f seconds\n", outcome.header.c_str(), by.c_str(),
              outcome.seconds);
  return exit_done;
}

}  // namespace luksdetached
