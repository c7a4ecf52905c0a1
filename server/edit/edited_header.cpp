#include "edited_header.h"

#include <utility>

#include "base/error.h"
#include "export/of_header.h"
#include "export/open_as.h"
#include "export/required_header.h"
#include "forget_cached.h"
#include "same_keyslots.h"

namespace luksdetached::edit {

std::unique_ptr<Source> open_for_writing(const ExportOptions& options, const std::string& uri,
                                         const Warn& warn) {
  std::unique_ptr<Source> source =
      open_as("header", uri,
              {.access = Access::read_write, .lock = options.lock, .insecure = options.insecure});
  if (!source->writable()) {
    throw Error(ErrorKind::source_unreachable,
                "cannot change header " + source->name() + ": it can only be read");
  }
  if (!source->can_flush()) {
    warn("header " + source->name() +
         ": its storage cannot be told to make a change durable: a power cut within the next "
         "moments may damage it");
  }
  forget_cached(uri);
  return source;
}

void carry_out(const WritePlan& plan, Source& source) {
  for (const Stage& stage : plan) {
    try {
      for (const PlannedWrite& write : stage.writes) {
        source.write(write.bytes, write.offset, Durability::cached);
      }
      source.flush();
    } catch (const Error& error) {
      throw Error(error.kind(),
                  "header " + source.name() + ": while writing " + stage.what + ": " +
                      error.what() + "; the same command may be tried again",
                  error.errno_code());
    }
  }
}

EditedHeader::EditedHeader(const ExportOptions& options, const Warn& warn)
    : uri_(options.headers.front()),
      source_(open_for_writing(options, uri_, warn)),
      loaded_(load_header(*source_, HeaderPart::whole)) {
  loaded_.image.resize(loaded_.header.end);  // where damage hid its size, more was read
  of_header("header", uri_, [&] { check_required_header(options, loaded_); });
}

std::vector<std::byte> EditedHeader::stored() const {
  std::vector<std::byte> bytes(loaded_.image.size());
  source_->read(bytes, 0);
  return bytes;
}

void EditedHeader::write(LoadedHeader changed, unsigned id) {
  check_only_changes_keyslot(loaded_, changed, id);
  if (stored() != loaded_.image) {
    throw Error(ErrorKind::io, "header " + source_->name() +
                                   ": somebody else has changed it meanwhile; nothing was written");
  }
  carry_out(plan_writes(loaded_.image, &loaded_.header, changed.image, changed.header), *source_);
  forget_cached(uri_);
  if (stored() != changed.image) {
    throw Error(ErrorKind::io,
                "header " + source_->name() + ": what was written is not what is read back");
  }
  loaded_ = std::move(changed);
}

}  // namespace luksdetached::edit
