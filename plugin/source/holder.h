// Who else has a file or a block device in use, for messages.
#pragma once

#include <sys/types.h>

#include <string>

struct stat;

namespace luksdetached {

/// Who has a lock on the file that `file` is about: "process 1234 (qemu-nbd)", or "this process".
/// Empty when that cannot be seen, as of another user's processes.
std::string find_lock_holder(const struct stat& file);

/// Who keeps an exclusive open of the block device `device` from succeeding: "mounted at /mnt",
/// "device-mapper's dm-0 (vm1)", "process 1234 (qemu-nbd) has it open for writing". Empty when that
/// cannot be seen.
std::string find_device_holder(dev_t device);

/// The writable loop device that has the file as its backing file, as "/dev/loop0"; empty if none.
std::string find_loop_device(const struct stat& file);

}  // namespace luksdetached
