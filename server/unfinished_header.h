// The header of a volume whose data are not there yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "export/load_header.h"
#include "secret/secret_program.h"

namespace luksdetached {

/// Until it is finished nobody takes it for a header, and the next attempt finds it: it has no
/// magic (edit::without_magic), and a file has another name (copy::unfinished_path), too.
class UnfinishedHeader {
 public:
  /// Of the only header of `options`. Throws Error(policy) when what is there would be lost, unless
  /// `force`.
  UnfinishedHeader(ExportOptions options, bool force);

  /// Has an earlier attempt left one?
  bool is_there() const noexcept { return is_there_; }

  /// For messages: where it is.
  std::string name() const;

  /// Puts one there, for data of `source_bytes`, whole sectors of 512 bytes. Throws Error, also
  /// when there is one in the meantime.
  void make(const LoadedHeader& header, std::uint64_t source_bytes);

  /// Reads it. Throws Error; usage when it is for data of another size than `source_bytes`.
  LoadedHeader load(std::uint64_t source_bytes) const;

  /// Throws Error unless what is there is still what `load` has returned.
  void check_unchanged(const LoadedHeader& header, std::uint64_t source_bytes) const;

  /// Makes it what it shall be: `header`, what `load` has returned. Throws Error.
  void finish(const LoadedHeader& header, const Warn& warn) const;

  /// For messages: how it is given up, "…, or …".
  std::string or_begin_anew() const;

 private:
  std::vector<std::byte> read() const;
  void remove_if_finished() const;

  ExportOptions options_;  // whose header is where the unfinished one is
  std::string path_;       // that it gets in the end; empty: it is no file
  bool force_;
  bool is_there_ = false;
};

}  // namespace luksdetached
