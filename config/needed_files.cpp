#include "config/needed_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "config/toml_section.h"

namespace luksdetached {

namespace {

// Why it cannot be used, or 0.
int problem_of(const NeededFile& needed) {
  struct stat info {};
  if (::stat(needed.path.c_str(), &info) != 0) return errno;
  if (needed.kind == NeededFile::Kind::folder) return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return ::access(needed.path.c_str(), R_OK) == 0 ? 0 : errno;
}

}  // namespace

void check_needed_files(const ServiceConfig& config, std::string_view file) {
  Mistakes mistakes;
  for (const NeededFile& needed : config.needed_files) {
    const int problem = problem_of(needed);
    if (problem == 0) continue;
    const bool folder = needed.kind == NeededFile::Kind::folder;
    mistakes.add(needed.line, needed.column,
                 needed.key + " in [service] needs the " + (folder ? "folder " : "file ") +
                     needed.path + ": " + std::generic_category().message(problem));
  }
  mistakes.throw_if_any(file);
}

}  // namespace luksdetached
