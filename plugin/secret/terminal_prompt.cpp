#include "secret/terminal_prompt.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>

namespace luksdetached {

namespace {

constexpr std::array ending_signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// What a signal handler has to know: it is given nothing but the signal's number.
struct Before {
  int fd = -1;
  termios settings{};
  std::array<struct sigaction, ending_signals.size()> actions{};
};
Before before;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void say(std::string_view text) {
  // Nothing depends on whether it was seen.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

void restore() {
  tcsetattr(before.fd, TCSAFLUSH, &before.settings);
  say("\n");
  for (std::size_t n = 0; n < ending_signals.size(); ++n) {
    sigaction(ending_signals[n], &before.actions[n], nullptr);
  }
}

// Calls only what may be called in a handler.
extern "C" void restore_and_end(int signal) {
  restore();
  (void)raise(signal);
}

}  // namespace

TerminalPrompt::TerminalPrompt(int fd, std::string_view text)
    : is_terminal_(isatty(fd) == 1 && tcgetattr(fd, &before.settings) == 0) {
  if (!is_terminal_) return;
  before.fd = fd;
  struct sigaction action {};
  action.sa_handler = restore_and_end;
  for (std::size_t n = 0; n < ending_signals.size(); ++n) {
    sigaction(ending_signals[n], nullptr, &before.actions[n]);
    // What is ignored stays so.
    if (before.actions[n].sa_handler != SIG_IGN) sigaction(ending_signals[n], &action, nullptr);
  }
  termios silent = before.settings;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(fd, TCSAFLUSH, &silent);
  say(text);
}

TerminalPrompt::~TerminalPrompt() {
  if (is_terminal_) restore();
}

}  // namespace luksdetached
