#include "service_manager.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <string_view>

namespace luksdetached {

namespace {

// It fails when there is nobody to hear it.
void notify(const std::string& text) {
  sd_notify(0, text.c_str());
}

std::string own_id() {
  // In the background this is not the process that was started.
  return "MAINPID=" + std::to_string(getpid());
}

}  // namespace

void notify_ready(const std::string& status) {
  notify("READY=1\n" + own_id() + "\nSTATUS=" + status);
}

void notify_status(const std::string& status) {
  notify("STATUS=" + status);
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) +
         "\nSTATUS=reading the config again");
}

void notify_stopping() {
  notify("STOPPING=1\nSTATUS=ending");
}

std::string status_line(const std::vector<ExportStatus>& exports) {
  constexpr std::array states = {ExportState::open, ExportState::waiting, ExportState::failed};
  std::string text =
      std::to_string(exports.size()) + (exports.size() == 1 ? " export" : " exports");
  std::string_view separator = ": ";
  for (const ExportState state : states) {
    const auto count = std::ranges::count(exports, state, &ExportStatus::state);
    if (count == 0) continue;
    text.append(separator).append(std::to_string(count)).append(" ").append(state_word(state));
    separator = ", ";
  }
  return text;
}

}  // namespace luksdetached
