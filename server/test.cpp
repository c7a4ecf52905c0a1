#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
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

struct Arguments {
  OptionArguments options;
  bool json = false;
};

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
  std::vector<std::string> warnings;
  for (const std::string& text : loaded.header.warnings) {
    warnings.push_back("header " + name + ": " + text);
  }
  const Warn warn = [&](const std::string& text) { warnings.push_back(text); };
  const std::vector<SecureBuffer> secrets = read_secrets(options, warn);
  const auto start = std::chrono::steady_clock::now();
  luks::KdfBudget budget = kdf_budget(options);
  const luks::Unlocked unlocked = unlock_header(options, uri, loaded, secrets, budget, warn);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {name, std::move(warnings), unlocked.keyslot, took.count()};
}

ExportOptions read_options(Arguments& arguments) {
  const bool given = arguments.options.has("secret") || arguments.options.has("passphrase") ||
                     arguments.options.has("volume-key");
  if (!given) {
    if (isatty(STDIN_FILENO) != 1) {
      throw OptionError(
          "test needs --secret SECRET, --passphrase +FILE or --volume-key SECRET: there is no "
          "terminal to ask on");
    }
    arguments.options.set("passphrase", "-");
  }
  return arguments.options.options(Purpose::unlock);
}

void report_failure(const Error& error) {
  print_json({{"schema", 1}, {"unlocks", false}, {"error", error_json(error)}});
}

Outcome unlock_or_report(Arguments& arguments) {
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

int test(Arguments& arguments) {
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

}  // namespace

void add_test(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand(
      "test", "does a secret unlock the header, which key slot, and how long does it take?");
  const auto arguments = std::make_shared<Arguments>();
  OptionArguments& options = arguments->options;
  options.add_header(command);
  options.add(command, "secret", "SECRET",
              "where key bytes are, used exactly as they are: a path, fd:N, -, credential:NAME, "
              "exec:PATH, token:; may repeat");
  options.add(command, "secret-offset", "SIZE", "bytes of each secret to skip");
  options.add(command, "secret-size", "SIZE", "bytes of each secret to use");
  options.add(command, "passphrase", "+FILE|-|-FD",
              "one line of a file, of standard input or of a file descriptor; may repeat");
  options.add(command, "volume-key", "SECRET", "the volume key itself, instead of secrets");
  options.add(command, "keyslot", "N", "only this key slot");
  options.add(command, "kdf-memory-max", "SIZE", "refuse key slots that need more (4G)");
  options.add(command, "kdf-iterations-max", "N", "refuse more PBKDF2 iterations (100000000)");
  options.add(command, "insecure", "", "allow NBD servers that TLS cannot verify");
  command.add_flag("--json", arguments->json, "as JSON");
  command.callback([arguments, &action] { action = [arguments] { return test(*arguments); }; });
}

}  // namespace luksdetached
