#include "config/needed_files.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "config/toml_section.h"

namespace luksdetached {

namespace {

std::string path_of(const NeededFile& needed) {
  if (needed.kind != NeededFile::Kind::filter) return needed.path;
  return std::string(LUKSDETACHED_FILTERDIR) + "/nbdkit-" + needed.path + "-filter.so";
}

// Why it cannot be used, or 0.
int problem_of(const NeededFile& needed) {
  // NOLINTBEGIN(concurrency-mt-unsafe): nothing is kept of what they return
  if (needed.kind == NeededFile::Kind::user)
    return ::getpwnam(needed.path.c_str()) != nullptr ? 0 : ENOENT;
  if (needed.kind == NeededFile::Kind::group)
    return ::getgrnam(needed.path.c_str()) != nullptr ? 0 : ENOENT;
  // NOLINTEND(concurrency-mt-unsafe)
  const std::string path = path_of(needed);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (needed.kind == NeededFile::Kind::folder) return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return ::access(path.c_str(), R_OK) == 0 ? 0 : errno;
}

std::string complaint(const NeededFile& needed, int problem) {
  const std::string why = ": " + std::generic_category().message(problem);
  switch (needed.kind) {
    case NeededFile::Kind::user:
      return "needs the user '" + shortened(needed.path) + "', whom this machine does not have";
    case NeededFile::Kind::group:
      return "needs the group '" + shortened(needed.path) + "', which this machine does not have";
    case NeededFile::Kind::filter:
      return "needs the filter " + path_of(needed) + why + " (Debian package nbdkit)";
    case NeededFile::Kind::folder:
      return "needs the folder " + needed.path + why;
    case NeededFile::Kind::file:
      break;
  }
  return "needs the file " + needed.path + why;
}

}  // namespace

void check_needed_files(const ServiceConfig& config, std::string_view file) {
  Mistakes mistakes;
  for (const NeededFile& needed : config.needed_files) {
    if (const int problem = problem_of(needed); problem != 0) {
      mistakes.add(needed.line, needed.column,
                   needed.key + " in [service] " + complaint(needed, problem));
    }
  }
  mistakes.throw_if_any(file);
}

}  // namespace luksdetached
