// What a command has to warn of.
#pragma once

#include <string>
#include <vector>

#include "luks/header.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Warnings of a command: printed on standard error at once, or with --json kept for its object.
class Warnings {
 public:
  explicit Warnings(bool json) : json_(json) {}

  void add(const std::string& text);
  /// `add` as a function, for as long as this lives.
  Warn warn() {
    return [this](const std::string& text) { add(text); };
  }
  const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  bool json_;
  std::vector<std::string> texts_;
};

/// Adds what is wrong with the header called `name`: why it would not be served, and what can be
/// lived with.
void warn_about(const luks::Header& header, const std::string& name, Warnings& warnings);

}  // namespace luksdetached
