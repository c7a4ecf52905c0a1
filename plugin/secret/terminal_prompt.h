// Asks for something on a terminal that does not show what is typed.
#pragma once

#include <string_view>

namespace luksdetached {

/// As long as it is there a terminal does not echo. A signal that ends the process (Ctrl-C) has it
/// echo again first. One at a time.
class TerminalPrompt {
 public:
  /// Shows `text` on standard error. When `fd` is no terminal it does nothing.
  TerminalPrompt(int fd, std::string_view text);
  TerminalPrompt(const TerminalPrompt&) = delete;
  TerminalPrompt& operator=(const TerminalPrompt&) = delete;
  ~TerminalPrompt();

 private:
  bool is_terminal_;
};

}  // namespace luksdetached
