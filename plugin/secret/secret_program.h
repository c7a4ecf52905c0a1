// Secrets that another program yields.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "crypto/secure_memory.h"

namespace luksdetached {

/// Takes a sentence for the log.
using Warn = std::function<void(const std::string&)>;

/// A program and what it is told.
struct SecretProgram {
  std::vector<std::string> arguments{};  ///< itself first
  std::string what{};                    ///< its name in messages, such as "secret program /bin/x"
  std::span<const std::byte> input{};    ///< for its standard input; else that is /dev/null
  std::chrono::milliseconds limit = std::chrono::seconds(60);  ///< it is killed after that
};

/// Runs the program and returns what it writes to its standard output until it ends. What it writes
/// to its standard error goes to `warn` line by line, the first 20 lines, fit to be shown.
///
/// Throws Error: source_unreachable when it cannot be run, takes too long or does not exit with
/// status 0, with the last line of its standard error; usage when it writes nothing, or more than
/// max_secret_bytes.
SecureBuffer read_secret_program(const SecretProgram& program, const Warn& warn);

}  // namespace luksdetached
