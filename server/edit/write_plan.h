// In which order a changed header is written, so that it opens whatever ends the writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "luks/header.h"

namespace luksdetached::edit {

/// Bytes that go to one place.
struct PlannedWrite {
  std::uint64_t offset = 0;      ///< from the start of the header
  std::vector<std::byte> bytes;  ///< whole blocks of 512 bytes

  bool operator==(const PlannedWrite&) const = default;
};

/// Writes that may reach the storage in any order. All of them are on stable storage before the
/// next stage begins.
struct Stage {
  std::string what;  ///< for messages: "the primary copy"
  std::vector<PlannedWrite> writes;

  bool operator==(const Stage&) const = default;
};

/// The stages, first to last; none that is empty.
using WritePlan = std::vector<Stage>;

/// How `before`, bytes of a header, becomes `after`, which is as long and is what `after_header`
/// was parsed from. `before_header` is null where there is no intact header yet.
///
/// When a key slot is added or removed, then at every moment, and when writing ends at any 512-byte
/// or 4 KiB block of any stage, there is an intact header with every key slot of `before` or of
/// `after`: key material is written before anything names it, of LUKS2's two copies the one that
/// counts last, of LUKS1's two sectors the one that says whether a key slot is in use last when one
/// is added, first when one is removed; what nobody needs any more is overwritten in the end.
///
/// Between two headers that have other key material in the same place that cannot be: there the
/// metadata stay intact at every moment, and doing it all again completes it.
WritePlan plan_writes(std::span<const std::byte> before, const luks::Header* before_header,
                      std::span<const std::byte> after, const luks::Header& after_header);

}  // namespace luksdetached::edit
