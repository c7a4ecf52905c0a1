// The header of a volume whose data are not there yet.
#pragma once

#include <optional>
#include <string>

#include "config/export_options.h"
#include "export/load_header.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Until it is finished nobody takes it for a header, and the next attempt finds it: a file has
/// another name (copy::unfinished_path), and what is on a device or behind a server has no magic.
class UnfinishedHeader {
 public:
  /// Of the only header of `options`. Throws Error(policy) when what is there would be lost, unless
  /// `force`.
  UnfinishedHeader(ExportOptions options, bool force);

  /// Has an earlier attempt left one?
  bool is_there() const noexcept { return is_there_; }

  /// For messages: where it is.
  std::string name() const;

  /// Puts one there. Throws Error.
  void make(const LoadedHeader& header);

  /// Reads it. Throws Error.
  LoadedHeader load() const;

  /// Makes it what it shall be: `header`, what `load` has returned. Throws Error.
  void finish(const LoadedHeader& header, const Warn& warn);

 private:
  std::optional<LoadedHeader> find() const;

  ExportOptions options_;
  std::string path_;  // empty: it is no file
  bool force_;
  bool is_there_ = false;
};

}  // namespace luksdetached
