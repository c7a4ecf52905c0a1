#include "config/config_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "config/service_config.h"

namespace luksdetached {

std::string read_config_file(const std::string& path) {
  // Others may never end, or not be there when the plugin reads the file again.
  std::error_code status_error;
  const auto status = std::filesystem::status(path, status_error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw ConfigError(path, "is not a regular file");
  }
  errno = status_error.value();
  std::ifstream file;
  if (!status_error) file.open(path, std::ios::binary);
  if (!file.is_open()) {
    throw ConfigError(path, "cannot be opened: " + std::generic_category().message(errno));
  }
  std::string text(max_config_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) throw ConfigError(path, "cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string config_file_state(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return std::to_string(info.st_dev) + " " + std::to_string(info.st_ino) + " " +
         std::to_string(info.st_size) + " " + std::to_string(info.st_ctim.tv_sec) + "." +
         std::to_string(info.st_ctim.tv_nsec);
}

}  // namespace luksdetached
