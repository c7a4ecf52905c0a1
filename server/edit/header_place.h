// Where a whole header goes: a backup in the place of a header, or a new one.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "export/load_header.h"
#include "secret/secret_program.h"
#include "source/source.h"

namespace luksdetached::edit {

/// Where a header goes, and what is there.
class HeaderPlace {
 public:
  /// Opens the only header of `options` for writing; a file that is not there is no error.
  /// `header`, which must be whole and outlive this, is what comes there. Throws Error.
  HeaderPlace(const ExportOptions& options, const LoadedHeader& header, const Warn& warn);

  /// The intact header that is there now, or null.
  const luks::Header* current() const noexcept { return current_ ? &*current_ : nullptr; }
  /// Why there is no intact header, as a sentence; empty when there is, or when there is nothing.
  const std::string& damage() const noexcept { return damage_; }

  /// Is there nothing to do but to bring it to stable storage?
  bool has_it() const noexcept;

  /// Must what is there now be kept in a file whose name the caller gives? Else `usual_keep_path`
  /// will do. Not where nothing is there.
  bool needs_keep_path() const noexcept { return in_place_; }
  /// Beside the file, with the time, and a number if there is one of that second; empty where
  /// nothing is there to keep.
  std::string usual_keep_path(std::chrono::system_clock::time_point now) const;

  /// Throws Error(policy) unless what is there now is an intact header of the same volume, or
  /// nothing.
  void check_same_volume() const;

  /// Keeps what is there now in the file `path`, verified. One that an interrupted restore has made
  /// there already stays: what is there now is a mixture of it and the header then. Throws Error.
  void keep(const std::string& path) const;

  /// Puts the header there. A file that has nothing but a header is replaced as a whole, with its
  /// owner and mode; all else is written where it is, so that the metadata are intact at every
  /// moment, and doing it again completes it. Throws Error.
  void put();

 private:
  void examine();

  const LoadedHeader& header_;
  std::string uri_;
  std::string path_;                // of a local file or device, links followed
  std::string name_;                // for messages
  std::unique_ptr<Source> source_;  // null: nothing is there
  std::vector<std::byte> image_;    // what is there, as much as is to be kept
  std::optional<luks::Header> current_;
  std::string damage_;
  bool in_place_ = false;
};

}  // namespace luksdetached::edit
