// A copy of a header in a file of its own, as cryptsetup's luksHeaderBackup makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "export/load_header.h"
#include "new_file.h"

namespace luksdetached::edit {

/// `bytes`, rounded up to pages of 4096: cryptsetup insists on backups of so many bytes.
std::uint64_t in_whole_pages(std::uint64_t bytes) noexcept;

/// The bytes from 0 to the end of the key slot area, and zeros to a whole page. `header` must be
/// whole.
std::vector<std::byte> backup_image(const LoadedHeader& header);

/// Whether a backup of `header` may take the place of what is at `path`, if there is something:
/// with `force` one of the same volume, or what is no header. Throws Error: usage for what is no
/// regular file, policy for the rest.
Existing check_replaceable(const std::string& path, const luks::Header& header, bool force);

}  // namespace luksdetached::edit
