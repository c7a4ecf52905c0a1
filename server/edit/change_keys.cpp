#include "change_keys.h"

#include <span>
#include <utility>

#include "export/of_header.h"
#include "luks/unlock.h"

namespace luksdetached::edit {

void add_key(EditedHeader& header, const SecureBuffer& volume_key, const SecureBuffer& secret,
             const NewKeyslot& slot, const luks::KdfLimits& limits) {
  LoadedHeader changed = of_header("header", header.uri(), [&] {
    LoadedHeader made = add_keyslot(header.loaded(), volume_key, secret, slot);
    luks::KdfBudget budget(limits);
    (void)luks::unlock(made.header, made.image, std::span(&secret, 1), slot.id, budget);
    return made;
  });
  header.write(std::move(changed), slot.id);
}

void remove_key(EditedHeader& header, unsigned id) {
  header.write(
      of_header("header", header.uri(), [&] { return remove_keyslot(header.loaded(), id); }), id);
}

}  // namespace luksdetached::edit
