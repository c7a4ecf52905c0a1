// Where the header of an ordinary volume goes when it is detached: a file, a device or a server.
#pragma once

#include <memory>
#include <string>

#include "config/export_options.h"
#include "export/load_header.h"
#include "secret/secret_program.h"
#include "source/source.h"

namespace luksdetached {

class DetachedHeader {
 public:
  /// At `uri`. `options` are the command's, whatever their headers; with `force` also over what is
  /// there.
  DetachedHeader(ExportOptions options, const std::string& uri, bool force);

  /// May there be a header already?
  bool may_be_there() const;

  /// Reads the header that is there. Throws Error.
  LoadedHeader load() const;

  /// Is `header`, which must be whole, there already? Throws Error(policy) when something else is
  /// there that would be lost: on a device or a server neither zeros nor a part of it.
  bool has(const LoadedHeader& header) const;

  /// Puts it there, unless it has it: on stable storage, read back and compared. Throws Error.
  void put(const LoadedHeader& header, const Warn& warn) const;

  /// Can its storage be told to make it durable? Throws Error.
  bool can_be_flushed() const;

 private:
  std::unique_ptr<Source> open() const;

  ExportOptions options_;  // with the only header
  std::string path_;       // empty: it is no file
  bool force_;
};

}  // namespace luksdetached
