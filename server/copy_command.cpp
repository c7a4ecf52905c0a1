#include "copy_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "copy/pieces.h"
#include "copy/unfinished_file.h"
#include "crypto/sector_cipher.h"
#include "edit/forget_cached.h"
#include "edit/payload_signature.h"
#include "export/data_area.h"
#include "export/open_as.h"
#include "export/payload_identity.h"
#include "interruption.h"
#include "progress_bar.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

constexpr unsigned connections = 4;

copy::Report reporter(ProgressBar& bar) {
  return [&bar](std::uint64_t done) {
    bar.show(done);
    Interruption::check();
  };
}

std::uint64_t copied_and_verified(const copy::CopyJob& job, const std::string& to_uri) {
  copy::Written written;
  // After a sync that failed, the system still has in its memory what the storage has not, as if it
  // were stored.
  if (job.target == copy::Target::earlier) edit::forget_cached(to_uri);
  {
    ProgressBar bar("copied", job.bytes);
    written = copy::copy(job, reporter(bar));
  }
  edit::forget_cached(to_uri);
  ProgressBar bar("verified", job.bytes);
  copy::verify(job, written, reporter(bar));
  std::uint64_t bytes = 0;
  for (std::uint64_t number = 0; number < written.size(); ++number) {
    if (written[number]) bytes += copy::piece_of(job.bytes, number).size;
  }
  return bytes;
}

std::uint64_t copy_to_file(Source& from, bool holes_are_zeros, const CopyPlace& place) {
  const std::string path = parse_uri(place.uri).path;
  const copy::Target target = copy::make_unfinished(path, from.size());
  const std::string name = copy::unfinished_path(path);
  const auto file = open_to_write(place.role, name, false);
  const std::uint64_t written = copy_and_verify({.from = from,
                                                 .to = *file,
                                                 .bytes = from.size(),
                                                 .target = target,
                                                 .holes_are_zeros = holes_are_zeros},
                                                name);
  copy::finish(path, place.force ? edit::Existing::replaced : edit::Existing::refused);
  return from.size() - written;
}

std::uint64_t copy_in_place(Source& from, bool holes_are_zeros, const CopyPlace& place,
                            Warnings& warnings) {
  const auto to = open_to_write(place.role, place.uri, place.insecure);
  if (to->size() < from.size()) {
    throw Error(ErrorKind::payload_too_small,
                place.role + " " + to->name() + " has " + std::to_string(to->size()) +
                    " bytes, and there are " + std::to_string(from.size()) + " to copy");
  }
  if (!place.force) check_blank(place.role, *to);
  if (to->size() > from.size()) {
    warnings.add(place.role + " " + to->name() + ": its last " +
                 std::to_string(to->size() - from.size()) + " bytes stay as they are");
  }
  return from.size() - copy_and_verify({.from = from,
                                        .to = *to,
                                        .bytes = from.size(),
                                        .target = copy::Target::earlier,
                                        .holes_are_zeros = holes_are_zeros,
                                        .first_piece_last = true},
                                       place.uri);
}

// An earlier attempt may have ended right after the file got its name.
bool is_complete(Source& from, bool holes_are_zeros, const CopyPlace& place) {
  const std::string path = parse_uri(place.uri).path;
  if (!copy::exists(path) || copy::exists(copy::unfinished_path(path))) return false;
  const auto there = open_to_read(place.role, path, false);
  return there->size() == from.size() && is_copied({.from = from,
                                                    .to = *there,
                                                    .bytes = from.size(),
                                                    .holes_are_zeros = holes_are_zeros});
}

}  // namespace

std::uint64_t copy_to(Source& from, bool holes_are_zeros, const CopyPlace& place,
                      Warnings& warnings) {
  if (!is_file_place(place.uri)) return copy_in_place(from, holes_are_zeros, place, warnings);
  if (is_complete(from, holes_are_zeros, place)) return from.size();
  if (!place.force) check_free(place.role, parse_uri(place.uri).path);
  return copy_to_file(from, holes_are_zeros, place);
}

bool is_file_place(const std::string& uri) {
  const Uri parsed = parse_uri(uri);
  if (parsed.scheme != Scheme::path) return false;
  struct stat status = {};
  return ::stat(parsed.path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

std::string path_uri(const std::string& path) {
  return path.starts_with('/') ? path : "./" + path;
}

bool is_same_place(const std::string& one, const std::string& other) {
  const std::vector<std::string> its = payload_identities(one);
  const std::vector<std::string> others = payload_identities(other);
  return std::ranges::any_of(
      its, [&](const auto& identity) { return std::ranges::count(others, identity) != 0; });
}

void check_elsewhere(const std::string& uri, const std::vector<std::string>& others) {
  if (uri == "-") {
    throw OptionError("data go to no standard output; a file of that name is ./-");
  }
  const std::string name = parse_uri(uri).name;
  for (const std::string& other : others) {
    const std::string others_name = parse_uri(other).name;
    if (is_same_place(uri, other)) {
      std::string what = name + " is given twice";
      if (name != others_name) what += ", also as " + others_name;
      throw OptionError(what + ": it would be overwritten while it is needed");
    }
    if (is_file_place(uri) && is_same_place(copy::unfinished_path(parse_uri(uri).path), other)) {
      std::string what = others_name + " has the name that ";
      what += name;
      throw OptionError(what +
                        " has until it is complete: it would be overwritten while it is needed; "
                        "rename it first");
    }
  }
}

std::vector<std::string> secret_files(const ExportOptions& options) {
  std::vector<std::string> files;
  const auto add = [&](const std::string& path) { files.push_back(path_uri(path)); };
  const auto add_descriptor = [&](int descriptor) {
    add("/proc/self/fd/" + std::to_string(descriptor));
  };
  std::vector<SecretFrom> secrets = options.secrets;
  if (options.volume_key) secrets.push_back(*options.volume_key);
  for (const SecretFrom& from : secrets) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
    const char* const credentials = std::getenv("CREDENTIALS_DIRECTORY");
    switch (from.kind) {
      case SecretFrom::Kind::file:
      case SecretFrom::Kind::program:
        add(from.path);
        break;
      case SecretFrom::Kind::descriptor:
        add_descriptor(from.descriptor);
        break;
      case SecretFrom::Kind::standard_input:
        add_descriptor(STDIN_FILENO);
        break;
      case SecretFrom::Kind::credential:
        if (credentials != nullptr) add(std::string(credentials) + "/" + from.credential);
        break;
      case SecretFrom::Kind::tokens:
        break;
    }
  }
  for (const PassphraseFrom& from : options.passphrases) {
    switch (from.kind) {
      case PassphraseFrom::Kind::file:
        add(from.path);
        break;
      case PassphraseFrom::Kind::descriptor:
        add_descriptor(from.descriptor);
        break;
      case PassphraseFrom::Kind::standard_input:
        add_descriptor(STDIN_FILENO);
        break;
    }
  }
  return files;
}

void check_free(const std::string& role, const std::string& path) {
  if (!copy::exists(path)) return;
  throw Error(ErrorKind::policy, role + " " + escape_control(path) +
                                     " exists, and would be lost; --force replaces it");
}

std::unique_ptr<Source> open_to_read(const std::string& role, const std::string& uri,
                                     bool insecure) {
  std::unique_ptr<Source> source = open_as(role, uri,
                                           {.access = Access::read_only,
                                            .lock = false,
                                            .holes = true,
                                            .insecure = insecure,
                                            .connections = connections});
  source->start();
  return source;
}

std::unique_ptr<Source> open_locked(const std::string& role, const std::string& uri,
                                    bool insecure) {
  std::unique_ptr<Source> source = open_as(
      role, uri, {.access = Access::read_write, .insecure = insecure, .connections = connections});
  source->start();
  return source;
}

std::unique_ptr<Source> open_to_write(const std::string& role, const std::string& uri,
                                      bool insecure) {
  std::unique_ptr<Source> source = open_locked(role, uri, insecure);
  if (source->writable()) return source;
  throw Error(ErrorKind::source_unreachable,
              "cannot write " + role + " " + source->name() + ": it can only be read");
}

void check_blank(const std::string& role, Source& source) {
  const std::string there = edit::find_signature(source);
  if (there.empty()) return;
  throw Error(ErrorKind::policy, role + " " + source.name() + " holds " + there +
                                     ", which would be lost; --force overwrites it");
}

std::unique_ptr<copy::VolumeSource> open_plain(const LoadedHeader& loaded,
                                               const SecureBuffer& volume_key,
                                               std::unique_ptr<Source> payload, RangeLock& lock,
                                               Warnings& warnings) {
  const luks::Segment& segment = loaded.header.segment;
  const std::string name = payload->name();
  std::vector<std::string> about_payload;
  DataArea area;
  try {
    area = find_data_area(segment, payload->size(), {}, about_payload);
  } catch (const Error& error) {
    throw Error(error.kind(), "payload " + name + ": " + error.what(), error.errno_code());
  }
  const std::string about = "payload " + name + ": ";
  for (const std::string& text : about_payload) warnings.add(about + text);
  auto volume = std::make_unique<Volume>(
      std::move(payload), make_sector_cipher(segment.cipher, volume_key.span(), area.sector_size),
      area, lock);
  return std::make_unique<copy::VolumeSource>(std::move(volume), name);
}

std::uint64_t copy_and_verify(const copy::CopyJob& job, const std::string& to_uri) {
  const Interruption interruption;
  try {
    return copied_and_verified(job, to_uri);
  } catch (const Error& error) {
    if (error.errno_code() == EINTR) throw;  // says so already
    const std::string what = error.what();
    throw Error(error.kind(), what + "; the same command, given again, continues",
                error.errno_code());
  }
}

bool is_copied(const copy::CopyJob& job) {
  const Interruption interruption;
  ProgressBar bar("compared", job.bytes);
  return copy::is_copied(job, reporter(bar));
}

}  // namespace luksdetached
