#include "keyslot_rules.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace luksdetached::edit {

namespace {

const luks::Keyslot* look_for(const luks::Header& header, unsigned id) {
  const auto found = std::find_if(header.keyslots.begin(), header.keyslots.end(),
                                  [id](const luks::Keyslot& slot) { return slot.id == id; });
  return found == header.keyslots.end() ? nullptr : &*found;
}

bool opens(const luks::Keyslot& slot) {
  return slot.bound && slot.unusable.empty();
}

}  // namespace

unsigned most_keyslots(const luks::Header& header) noexcept {
  return header.version == 1 ? 8 : 32;
}

unsigned free_keyslot(const luks::Header& header, std::optional<unsigned> wanted) {
  const unsigned most = most_keyslots(header);
  if (wanted) {
    const std::string slot = "key slot " + std::to_string(*wanted);
    if (*wanted >= most) {
      throw Error(ErrorKind::usage, "there is no " + slot + ": a LUKS" +
                                        std::to_string(header.version) + " header has 0 to " +
                                        std::to_string(most - 1));
    }
    if (look_for(header, *wanted) != nullptr) {
      throw Error(ErrorKind::usage, slot + " is in use; choose another one, or remove it first");
    }
    return *wanted;
  }
  for (unsigned id = 0; id < most; ++id) {
    if (look_for(header, id) == nullptr) return id;
  }
  throw Error(ErrorKind::usage, "all " + std::to_string(most) +
                                    " key slots are in use; remove one that is not needed (key "
                                    "list shows them), then try again");
}

const luks::Keyslot& find_keyslot(const luks::Header& header, unsigned id) {
  const luks::Keyslot* const slot = look_for(header, id);
  if (slot != nullptr) return *slot;
  throw Error(ErrorKind::usage,
              "key slot " + std::to_string(id) + " is not in use (key list shows which are)");
}

void check_not_last(const luks::Header& header, unsigned id) {
  if (!opens(find_keyslot(header, id))) return;
  const bool another =
      std::any_of(header.keyslots.begin(), header.keyslots.end(),
                  [id](const luks::Keyslot& slot) { return slot.id != id && opens(slot); });
  if (another) return;
  throw Error(ErrorKind::policy,
              "key slot " + std::to_string(id) +
                  " is the last one that opens the volume: without it the data can only be read "
                  "with a backup of the header or of the volume key; --force removes it");
}

}  // namespace luksdetached::edit
