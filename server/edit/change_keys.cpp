#include "change_keys.h"

#include <span>
#include <utility>

#include "luks/unlock.h"

namespace luksdetached::edit {

void add_key(EditedHeader& header, const SecureBuffer& volume_key, const SecureBuffer& secret,
             const NewKeyslot& slot, const luks::KdfLimits& limits) {
  LoadedHeader changed = add_keyslot(header.loaded(), volume_key, secret, slot);
  luks::KdfBudget budget(limits);
  (void)luks::unlock(changed.header, changed.image, std::span(&secret, 1), slot.id, budget);
  header.write(std::move(changed), slot.id);
}

void remove_key(EditedHeader& header, unsigned id) {
  header.write(remove_keyslot(header.loaded(), id), id);
}

}  // namespace luksdetached::edit
