#include "source/holder.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/file_descriptor.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Calls `body` with each entry of a folder of the kernel's until it returns true. What ends or is
// not ours to see in the meantime is passed over.
template <typename Body>
bool any_entry(const fs::path& folder, Body body) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (body(entry->path())) return true;
  }
  return false;
}

std::string process_text(pid_t process) {
  if (process == ::getpid()) return "this process";
  const std::string number = std::to_string(process);
  return "process " + number + " (" + escape_control(first_line("/proc/" + number + "/comm")) + ")";
}

// The first process for one of whose descriptors `matches` is true, given the descriptor's folder
// of information and its link; or nothing.
template <typename Matches>
std::string find_process(Matches matches) {
  std::string found;
  any_entry("/proc", [&](const fs::path& process) {
    const std::string name = process.filename();
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return false;
    const bool holds = any_entry(process / "fdinfo", [&](const fs::path& info) {
      return matches(info, process / "fd" / info.filename());
    });
    if (holds) found = process_text(number);
    return holds;
  });
  return found;
}

// Octal escapes, as the kernel writes white space in paths of mountinfo.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 4], code, 8).ptr == &text[i + 4]) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string device_number(dev_t device) {
  return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

std::string find_mount(dev_t device) {
  std::ifstream mounts("/proc/self/mountinfo");
  const std::string wanted = device_number(device);
  for (std::string line; std::getline(mounts, line);) {
    // An id, the parent's id, the device, the root, and where it is mounted.
    std::array<std::string, 5> fields;
    std::istringstream words(line);
    for (std::string& field : fields) words >> field;
    if (fields[2] == wanted) return "mounted at " + escape_control(unescape(fields[4]));
  }
  return {};
}

std::string find_stacked_device(dev_t device) {
  std::string found;
  any_entry("/sys/dev/block/" + device_number(device) + "/holders", [&](const fs::path& holder) {
    const std::string name = first_line(holder / "dm/name");
    found = (name.empty() ? "held by " : "device-mapper's ") + holder.filename().string() +
            (name.empty() ? "" : " (" + escape_control(name) + ")");
    return true;
  });
  return found;
}

bool is_open_for_writing(const fs::path& info) {
  std::ifstream file(info);
  std::string word;
  unsigned flags = 0;
  while (file >> word) {
    if (word == "flags:" && file >> std::oct >> flags) return (flags & O_ACCMODE) != O_RDONLY;
  }
  return false;
}

// Does the link lead to the block device? Without waiting for a file system that does not answer.
bool is_device(const fs::path& link, dev_t device) {
  struct statx found {};
  return ::statx(AT_FDCWD, link.c_str(), AT_STATX_DONT_SYNC, STATX_TYPE, &found) == 0 &&
         S_ISBLK(found.stx_mode) && found.stx_rdev_major == major(device) &&
         found.stx_rdev_minor == minor(device);
}

// Does this loop device have the file? Asked of the device itself where it may be opened: its path
// may mean something else here.
bool has_backing_file(const std::string& device, const fs::path& entry, const struct stat& file) {
  const FileDescriptor loop(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  loop_info64 status{};
  if (loop && ::ioctl(loop.get(), LOOP_GET_STATUS64, &status) == 0) {
    return status.lo_inode == file.st_ino && status.lo_device == file.st_dev;
  }
  // The path may have newlines of its own before the last one.
  std::ifstream attribute(entry / "loop/backing_file");
  std::string path{std::istreambuf_iterator<char>(attribute), {}};
  if (path.ends_with('\n')) path.pop_back();
  struct stat backing {};
  return ::stat(path.c_str(), &backing) == 0 && backing.st_ino == file.st_ino &&
         backing.st_dev == file.st_dev;
}

}  // namespace

std::string find_lock_holder(const struct stat& file) {
  // As the kernel writes it behind a lock: device and inode, hexadecimal but for the last.
  char identity[64];
  std::snprintf(identity, sizeof identity, " %02x:%02x:%ju ", major(file.st_dev),
                minor(file.st_dev), static_cast<std::uintmax_t>(file.st_ino));
  return find_process([&](const fs::path& info, const fs::path&) {
    std::ifstream lines(info);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("lock:") && line.find(identity) != std::string::npos) return true;
    }
    return false;
  });
}

std::string find_device_holder(dev_t device) {
  std::string found = find_mount(device);
  if (found.empty()) found = find_stacked_device(device);
  if (!found.empty()) return found;
  found = find_process([&](const fs::path& info, const fs::path& link) {
    return is_open_for_writing(info) && is_device(link, device);
  });
  return found.empty() ? found : found + " has it open for writing";
}

std::string find_loop_device(const struct stat& file) {
  std::string found;
  any_entry("/sys/block", [&](const fs::path& entry) {
    const std::string name = entry.filename();
    std::error_code failed;
    if (!name.starts_with("loop") || !fs::exists(entry / "loop/backing_file", failed)) return false;
    const std::string device = "/dev/" + name;
    if (first_line(entry / "ro") != "0" || !has_backing_file(device, entry, file)) return false;
    found = device;
    return true;
  });
  return found;
}

}  // namespace luksdetached
