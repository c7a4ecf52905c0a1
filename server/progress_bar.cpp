#include "progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace luksdetached {

namespace {

std::string amount(double bytes) {
  constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  char text[32];
  std::snprintf(text, sizeof text, "%llu:%02llu:%02llu",
                static_cast<unsigned long long>(whole / 3600),
                static_cast<unsigned long long>(whole / 60 % 60),
                static_cast<unsigned long long>(whole % 60));
  return text;
}

std::size_t terminal_width() {
  winsize size = {};
  constexpr std::size_t usual = 80;
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

}  // namespace

std::string progress_line(const std::string& what, std::uint64_t done, std::uint64_t all,
                          std::chrono::duration<double> since, std::size_t width) {
  const double share = all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
  const double rate = since.count() > 0 ? static_cast<double>(done) / since.count() : 0;
  char percent[8];
  std::snprintf(percent, sizeof percent, " %3d%%", static_cast<int>(share * 100));
  std::string facts = " " + amount(static_cast<double>(done)) + " of " +
                      amount(static_cast<double>(all)) + ", " + amount(rate) + "/s";
  if (rate > 0) facts += ", " + clock_text(static_cast<double>(all - done) / rate) + " left";
  std::string line = what + percent;
  constexpr std::size_t smallest = 12;
  constexpr std::size_t largest = 42;
  const std::size_t used = line.size() + facts.size() + 1;
  if (used + smallest <= width) {
    const std::size_t inside = std::min(width - used, largest) - 2;
    const auto full = static_cast<std::size_t>(share * static_cast<double>(inside));
    line += " [" + std::string(full, '#') + std::string(inside - full, '.') + "]";
  }
  line += facts;
  return line.substr(0, width);
}

ProgressBar::ProgressBar(std::string what, std::uint64_t all)
    : what_(std::move(what)), all_(all), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(std::uint64_t done) {
  if (!on_terminal_) return;
  shown_ = true;
  const auto since = std::chrono::steady_clock::now() - began_;
  // The last column stays free: some terminals would begin a new line.
  std::fprintf(stderr, "\r%s\x1b[K",
               progress_line(what_, done, all_, since, terminal_width() - 1).c_str());
}

}  // namespace luksdetached
