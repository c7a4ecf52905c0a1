// A header that is being changed where it is: in a file, on a device or behind a server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "export/load_header.h"
#include "secret/secret_program.h"
#include "source/source.h"
#include "write_plan.h"

namespace luksdetached::edit {

/// Opens what `uri` names for writing, and keeps others from writing it where it is a file or a
/// device. What is read of it comes from its storage. Throws Error, also when it cannot be written.
/// `warn` hears of storage that cannot be told to make writes durable.
std::unique_ptr<Source> open_for_writing(const ExportOptions& options, const std::string& uri,
                                         const Warn& warn);

/// Writes to `source` what `plan` says, flushing after each stage. Throws Error(io).
void carry_out(const WritePlan& plan, Source& source);

class EditedHeader {
 public:
  /// Opens and reads the only header of `options`, whole. It is the required one; whether it may be
  /// served is for check_servable. Throws Error.
  EditedHeader(const ExportOptions& options, const Warn& warn);

  /// Where it is.
  const std::string& uri() const noexcept { return uri_; }

  /// What is there now.
  const LoadedHeader& loaded() const noexcept { return loaded_; }

  /// Puts `changed` in its place, which must be the same but for key slot `id`, in an order that
  /// leaves a header that opens whatever ends it, and reads it back. Throws Error; nothing was
  /// written when the change is not what it should be, or somebody else has changed the header.
  void write(LoadedHeader changed, unsigned id);

 private:
  std::vector<std::byte> stored() const;

  std::string uri_;
  std::unique_ptr<Source> source_;
  LoadedHeader loaded_;
};

}  // namespace luksdetached::edit
