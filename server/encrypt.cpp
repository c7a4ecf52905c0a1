#include <strings.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "commands.h"
#include "copy/unfinished_file.h"
#include "copy_command.h"
#include "create_command.h"
#include "edit/new_volume.h"
#include "edit/without_magic.h"
#include "export/qcow2_image.h"
#include "interruption.h"
#include "json_failure.h"
#include "key_command.h"
#include "luks/unlock.h"
#include "new_secret.h"
#include "print_json.h"
#include "size_text.h"
#include "source/uri.h"
#include "unfinished_header.h"
#include "warnings.h"

namespace luksdetached {

namespace {

// Until all is copied, verified and on stable storage the header is unfinished, and so is a payload
// that is a file: whoever comes across them cannot take them for a volume, and the same command
// finds them and goes on. The payload gets its name first, so that there is no moment at
// which a header has its name and its data are not there.
class Encryption {
 public:
  Encryption(EncryptArguments& arguments, Warnings& warnings)
      : arguments_(arguments.volume),
        options_(read_create_options(arguments.volume)),
        source_uri_(arguments.source),
        warnings_(warnings),
        unfinished_(options_, arguments_.force),
        continues_(unfinished_.is_there()) {
    check_places(options_, source_uri_);
    open_source();
    open_payload();
    secret_ = read_new_secret(options_, warnings_.warn());
  }

  void run() {
    std::optional<LoadedHeader> made;
    if (!continues_) made = make_header();
    // From here on something is left that the same command goes on with.
    const Interruption interruption;
    if (made) unfinished_.make(*made, source_->size());
    open_header();
    Interruption::check();
    const bool complete = is_complete();
    already_there_ = complete ? source_->size() : fill();
    unfinished_.check_unchanged(header_, source_->size());
    if (!complete && !payload_path_.empty()) copy::finish(payload_path_, existing());
    unfinished_.finish(header_, warnings_.warn());
  }

  const ExportOptions& options() const { return options_; }
  const LoadedHeader& header() const { return header_; }
  const Source& source() const { return *source_; }
  bool continues() const { return continues_; }
  std::uint64_t already_there() const { return already_there_; }

 private:
  edit::Existing existing() const {
    return arguments_.force ? edit::Existing::replaced : edit::Existing::refused;
  }

  void open_source() {
    source_ = open_to_read("source", source_uri_, options_.insecure);
    const std::size_t sector = arguments_.sector_bytes.value_or(512);
    if (source_->size() / 512 >= edit::note_end) {
      throw Error(ErrorKind::usage, "source " + source_->name() + " is larger than any volume");
    }
    if (source_->size() != 0 && source_->size() % sector == 0) return warn_of_container();
    throw Error(ErrorKind::usage, "source " + source_->name() + " has " +
                                      std::to_string(source_->size()) +
                                      " bytes, and a volume has whole sectors of " +
                                      std::to_string(sector) + " bytes; `truncate -s %" +
                                      std::to_string(sector) + "` appends zeros to a file");
  }

  // What most people would not want to be encrypted as it is.
  void warn_of_container() {
    std::array<std::byte, luks::magic_bytes> begin{};
    source_->read(begin, 0);
    if (begins_like_qcow2(begin)) {
      warnings_.add("source " + source_->name() +
                    " is a qcow2 image, which is encrypted as it is; the disk in it is "
                    "qemu:qcow2:PATH");
    }
    if (luks::begins_like_header(begin)) {
      warnings_.add("source " + source_->name() +
                    " is a LUKS volume, which is encrypted once more; `luksdetached detach` makes "
                    "header and payload of it as it is");
    }
  }

  void open_payload() {
    if (is_file_place(options_.payload)) {
      payload_path_ = parse_uri(options_.payload).path;
      if (!arguments_.force && !may_be_complete()) check_free("payload", payload_path_);
      return;
    }
    payload_ = open_to_write("payload", options_.payload, options_.insecure);
    if (payload_->size() < source_->size()) {
      throw Error(ErrorKind::payload_too_small, "payload " + payload_->name() + " has " +
                                                    std::to_string(payload_->size()) +
                                                    " bytes, source " + source_->name() + " has " +
                                                    std::to_string(source_->size()));
    }
    if (!arguments_.force) check_blank("payload", *payload_);
    if (payload_->size() > source_->size()) {
      warnings_.add("payload " + payload_->name() + ": its last " +
                    std::to_string(payload_->size() - source_->size()) +
                    " bytes are more than the source has: the volume has them, too, and there is "
                    "noise in them");
    }
  }

  LoadedHeader make_header() const {
    const std::uint64_t bytes = payload_ ? payload_->size() : source_->size();
    edit::VolumeChoice choice = arguments_.choice;
    choice.sector_bytes = arguments_.sector_bytes.value_or(
        edit::usual_sector_bytes(choice.version, options_.payload, bytes));
    return edit::make_header(choice, bytes, secret_, kdf_limits(options_));
  }

  void open_header() {
    header_ = unfinished_.load(source_->size());
    luks::check_servable(header_.header);
    check_same_options();
    volume_key_ = unlock();
  }

  // What was not said is what it is.
  void check_same_options() const {
    const luks::Header& header = header_.header;
    const edit::VolumeChoice& choice = arguments_.choice;
    const std::size_t sector = header.segment.sector_size;
    const std::size_t key_bits = 8 * header.volume_key_bytes.value_or(0);
    if (header.version == choice.version && header.segment.encryption == choice.cipher &&
        arguments_.sector_bytes.value_or(sector) == sector &&
        choice.key_bits.value_or(key_bits) == key_bits &&
        (choice.uuid.empty() || ::strcasecmp(choice.uuid.c_str(), header.uuid.c_str()) == 0) &&
        (choice.label.empty() || choice.label == header.label)) {
      return;
    }
    throw Error(ErrorKind::usage,
                "header " + unfinished_.name() +
                    " is of an attempt with other options: it is a LUKS" +
                    std::to_string(header.version) + " header with " + header.segment.encryption +
                    ", a key of " + std::to_string(key_bits) + " bits, sectors of " +
                    std::to_string(sector) + " bytes, the UUID " + header.uuid +
                    (header.label.empty() ? " and no label" : " and the label " + header.label) +
                    "; give the same ones" + unfinished_.or_begin_anew());
  }

  SecureBuffer unlock() {
    luks::KdfBudget budget(kdf_limits(options_));
    try {
      return luks::unlock(header_.header, header_.image, std::span(&secret_, 1), {}, budget)
          .volume_key;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::wrong_secret) throw;
      throw Error(error.kind(), error.what() + ("; header " + unfinished_.name()) +
                                    " is of an earlier attempt: give its secret" +
                                    unfinished_.or_begin_anew());
    }
  }

  // An earlier attempt may have ended right before the header got its name.
  bool may_be_complete() const {
    return continues_ && !payload_path_.empty() && copy::exists(payload_path_) &&
           !copy::exists(copy::unfinished_path(payload_path_));
  }

  bool is_complete() {
    if (!may_be_complete()) return false;
    auto payload = open_to_read("payload", payload_path_, options_.insecure);
    if (payload->size() == source_->size()) {
      RangeLock lock;
      const auto plain = open_plain(header_, volume_key_, std::move(payload), lock, warnings_);
      if (is_copied(job(*plain, copy::Target::earlier))) return true;
    }
    if (arguments_.force) return false;
    throw Error(ErrorKind::policy, "payload " + escape_control(payload_path_) +
                                       " exists, and does not have what source " + source_->name() +
                                       " has; --force replaces it");
  }

  copy::CopyJob job(Source& plain, copy::Target target) const {
    return {.from = *source_,
            .to = plain,
            .bytes = source_->size(),
            .target = target,
            .holes_are_zeros = is_file_place(source_uri_)};
  }

  // Returns how many bytes were there already.
  std::uint64_t fill() {
    copy::Target target = continues_ ? copy::Target::earlier : copy::Target::anything;
    std::string uri = options_.payload;
    if (!payload_path_.empty()) {
      uri = copy::unfinished_path(payload_path_);
      // What reads as zeros is not what an encrypted zero is.
      if (copy::make_unfinished(payload_path_, source_->size()) == copy::Target::zeros) {
        target = copy::Target::anything;
      }
      payload_ = open_to_write("payload", uri, options_.insecure);
    }
    RangeLock lock;
    const auto plain = open_plain(header_, volume_key_, std::move(payload_), lock, warnings_);
    return source_->size() - copy_and_verify(job(*plain, target), uri);
  }

  CreateArguments& arguments_;
  ExportOptions options_;
  std::string source_uri_;
  Warnings& warnings_;
  UnfinishedHeader unfinished_;
  bool continues_;
  std::unique_ptr<Source> source_;
  std::string payload_path_;         // empty: it is a device or behind a server
  std::unique_ptr<Source> payload_;  // the latter
  SecureBuffer secret_;
  LoadedHeader header_;
  SecureBuffer volume_key_;
  std::uint64_t already_there_ = 0;  // bytes
};

}  // namespace

int encrypt(EncryptArguments& arguments) {
  const bool json = arguments.volume.json;
  return with_json_failure(json, [&] {
    Warnings warnings(json);
    Encryption encryption(arguments, warnings);
    encryption.run();
    const luks::Header& header = encryption.header().header;
    const std::string name = parse_uri(encryption.options().headers.front()).name;
    const std::string payload = parse_uri(encryption.options().payload).name;
    const std::string source = encryption.source().name();
    const std::uint64_t bytes = encryption.source().size();
    const std::size_t key_bytes = header.volume_key_bytes.value();
    if (json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", name},
                  {"warnings", warnings.texts()},
                  {"source", source},
                  {"payload", payload},
                  {"version", header.version},
                  {"uuid", header.uuid},
                  {"encryption", header.segment.encryption},
                  {"key_size", key_bytes},
                  {"sector_size", header.segment.sector_size},
                  {"size", bytes},
                  {"keyslot", 0},
                  {"already_there", encryption.already_there()}});
      return exit_done;
    }
    std::printf(
        "%s: a LUKS%u header for %s: %s, key of %zu bits, sectors of %zu bytes\n"
        "%s: has the %s of %s, read back and compared\n",
        name.c_str(), header.version, payload.c_str(), header.segment.encryption.c_str(),
        8 * key_bytes, header.segment.sector_size, payload.c_str(), size_text(bytes).c_str(),
        source.c_str());
    if (encryption.continues()) {
      std::printf("An earlier attempt was continued, which had done %s\n",
                  size_text(encryption.already_there()).c_str());
    }
    std::printf("UUID  %s\n", header.uuid.c_str());
    return exit_done;
  });
}

}  // namespace luksdetached
