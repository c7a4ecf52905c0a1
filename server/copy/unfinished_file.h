// A large file that gets its name when it is complete, and that a later attempt finds until then.
#pragma once

#include <cstdint>
#include <string>

#include "copy_job.h"
#include "server/edit/new_file.h"

namespace luksdetached::copy {

/// The name that `path` has until it is complete: beside it.
std::string unfinished_path(const std::string& path);

/// Is there something called `path`? Throws Error when that cannot be told.
bool exists(const std::string& path);

/// Makes unfinished_path(path), of `bytes` zeros without storage for them and for the caller alone
/// (mode 0600), unless an earlier attempt has left it. Returns which. Throws Error; usage for one
/// that is of another copy.
Target make_unfinished(const std::string& path, std::uint64_t bytes);

/// Throws Error(usage) unless `name` is a file of this user alone, as make_unfinished makes it.
void check_ours(const std::string& name);

/// Gives it its name, for good when this returns. Throws Error.
void finish(const std::string& path, edit::Existing existing);

}  // namespace luksdetached::copy
