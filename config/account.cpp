#include "config/account.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace luksdetached {

namespace {

// Calls getpwnam_r or getgrnam_r with a buffer that is large enough. Null when there is no entry.
template <typename Entry, typename Look>
const Entry* look_up(Look look, const std::string& name, Entry& entry, std::vector<char>& buffer) {
  constexpr std::size_t most = std::size_t{1} << 20;  // a group may have many members
  for (buffer.resize(4096);; buffer.resize(2 * buffer.size())) {
    Entry* found = nullptr;
    const int error = look(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE || buffer.size() >= most) return found;
  }
}

}  // namespace

std::optional<std::uint32_t> find_user(const std::string& name) {
  passwd entry{};
  std::vector<char> buffer;
  const passwd* found = look_up(getpwnam_r, name, entry, buffer);
  return found == nullptr ? std::nullopt : std::optional<std::uint32_t>(found->pw_uid);
}

std::optional<std::uint32_t> find_group(const std::string& name) {
  group entry{};
  std::vector<char> buffer;
  const group* found = look_up(getgrnam_r, name, entry, buffer);
  return found == nullptr ? std::nullopt : std::optional<std::uint32_t>(found->gr_gid);
}

}  // namespace luksdetached
