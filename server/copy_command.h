// What the commands that copy data have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/export_options.h"
#include "copy/copy_job.h"
#include "copy/volume_source.h"
#include "crypto/secure_memory.h"
#include "export/load_header.h"
#include "source/source.h"
#include "warnings.h"

namespace luksdetached {

/// Does `uri` name a regular file, or one that could be made? Not a device, nor a server.
bool is_file_place(const std::string& uri);

/// `path`, which is no URI though it may look like one, as a URI.
std::string path_uri(const std::string& path);

/// Are both of one file, device or export, as far as that can be told?
bool is_same_place(const std::string& one, const std::string& other);

/// Throws OptionError when `uri`, which is to be written, or the name that it has until it is
/// complete, is of the same place as one of `others`.
void check_elsewhere(const std::string& uri, const std::vector<std::string>& others);

/// The files that the secrets and passphrases of `options` are read from, as URIs.
std::vector<std::string> secret_files(const ExportOptions& options);

/// Throws Error(policy) when there is something called `path`, which would be lost.
void check_free(const std::string& role, const std::string& path);

/// Opens and starts what is only read.
std::unique_ptr<Source> open_to_read(const std::string& role, const std::string& uri,
                                     bool insecure);

/// Opens, locks and starts what is overwritten. Throws Error, also when it cannot be written.
std::unique_ptr<Source> open_to_write(const std::string& role, const std::string& uri,
                                      bool insecure);

/// The same for what is read while nobody else may write it: it need not be writable.
std::unique_ptr<Source> open_locked(const std::string& role, const std::string& uri, bool insecure);

/// Throws Error(policy) when the device or server `uri` holds what libblkid knows.
void check_blank(const std::string& role, Source& source);

/// The plain bytes of the volume of `loaded` in `payload`, started. `lock` must outlive it. Throws
/// Error. `warnings` hears what is odd about the payload.
std::unique_ptr<copy::VolumeSource> open_plain(const LoadedHeader& loaded,
                                               const SecureBuffer& volume_key,
                                               std::unique_ptr<Source> payload, RangeLock& lock,
                                               Warnings& warnings);

/// Copies and verifies, with a progress bar; Ctrl-C ends it. `to_uri` is of `job.to`. Returns how
/// many bytes had to be written.
std::uint64_t copy_and_verify(const copy::CopyJob& job, const std::string& to_uri);

/// Where a whole copy goes.
struct CopyPlace {
  std::string role;  ///< for messages
  std::string uri;   ///< a file, which is made, or a device or server, which is overwritten
  bool force;        ///< also over what is there
  bool insecure;
};

/// Copies all of `from` and verifies it. A file gets its name when it is complete; a device or
/// server begins with zeros until all else is there. A file that has everything already stays.
/// Returns how many bytes were there already. Throws Error.
std::uint64_t copy_to(Source& from, bool holes_are_zeros, const CopyPlace& place,
                      Warnings& warnings);

/// copy::is_copied with a progress bar.
bool is_copied(const copy::CopyJob& job);

}  // namespace luksdetached
