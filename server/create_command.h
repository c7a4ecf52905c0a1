// What the commands that make a volume have in common.
#pragma once

#include <cstdint>
#include <string>

#include "commands.h"
#include "config/export_options.h"

namespace luksdetached {

/// The options of a command that makes a volume: one header, a payload and one secret; a passphrase
/// typed on the terminal when none was given. Throws OptionError.
ExportOptions read_create_options(CreateArguments& arguments);

/// What the header of a new volume takes at most.
inline constexpr std::uint64_t most_new_header_bytes = std::uint64_t{16} << 20;

/// Throws OptionError when the header or the payload would be written where the other one is, or a
/// secret, or `source`, if it is not empty.
void check_places(const ExportOptions& options, const std::string& source);

/// Throws Error(policy) when the place of the header holds something that would be lost: a file
/// anything, a device or server anything but zeros where headers are.
void check_header_place(const ExportOptions& options);

}  // namespace luksdetached
