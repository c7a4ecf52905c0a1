#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "copy/source_part.h"
#include "copy/unfinished_file.h"
#include "copy/zeros.h"
#include "copy_command.h"
#include "crypto/hash.h"
#include "detached_header.h"
#include "edit/forget_cached.h"
#include "edit/moved_segment.h"
#include "export/data_area.h"
#include "export/unlock_header.h"
#include "json_failure.h"
#include "key_command.h"
#include "print_json.h"
#include "size_text.h"
#include "source/uri.h"
#include "warnings.h"

namespace luksdetached {

namespace {

// Has `volume` the header of `kept` where it was, or zeros in some of its blocks, which is as far
// as an interrupted wipe has come?
bool is_header_of(Source& volume, const LoadedHeader& kept) {
  const std::size_t size = kept.header.end;
  if (volume.size() < size) return false;
  std::vector<std::byte> there(size);
  volume.read(there, 0);
  return !copy::find_foreign_block(there, std::span(kept.image).first(size));
}

class Detachment {
 public:
  Detachment(DetachArguments& arguments, Warnings& warnings)
      : arguments_(arguments),
        warnings_(warnings),
        options_(read_options(arguments)),
        kept_(options_, arguments.header, arguments.force) {
    check_arguments();
    volume_ = arguments.wipe_header ? open_to_write("volume", arguments.volume, options_.insecure)
                                    : open_locked("volume", arguments.volume, options_.insecure);
    loaded_ = find_header();
    warn_about(loaded_.header, volume_->name(), warnings_);
    check_ordinary();
    secrets_ = read_secrets(options_, warnings_.warn());
    volume_key_ = unlock(loaded_, arguments.volume);
  }

  void run() {
    if (arguments_.payload.empty()) {
      kept_.put(loaded_, warnings_.warn());
    } else {
      move_data();
    }
    if (arguments_.wipe_header) wipe();
  }

  const DataArea& area() const { return area_; }
  const luks::Header& header() const { return loaded_.header; }
  const std::string& volume_name() const { return volume_->name(); }
  std::uint64_t already_there() const { return already_there_; }

 private:
  static ExportOptions read_options(DetachArguments& arguments) {
    arguments.options.set("header", arguments.volume);
    return read_unlock_options(arguments.options);
  }

  void check_arguments() const {
    std::vector<std::string> read = secret_files(options_);
    read.push_back(arguments_.volume);
    check_elsewhere(arguments_.header, read);
    if (arguments_.payload.empty()) return;
    if (arguments_.wipe_header) {
      throw OptionError(
          "--wipe-header is for data that stay in VOLUME: with --payload all of that can go");
    }
    read.push_back(arguments_.header);
    check_elsewhere(arguments_.payload, read);
  }

  // Where the header's copy is there already, it counts: an earlier attempt may have wiped the
  // header in the volume, or a part of it.
  LoadedHeader find_header() {
    if (arguments_.payload.empty() && kept_.may_be_there()) {
      try {
        LoadedHeader kept = kept_.load();
        if (is_header_of(*volume_, kept)) return kept;
      } catch (const Error& error) {
        // Else there is no header.
        if (error.kind() == ErrorKind::io || error.kind() == ErrorKind::source_unreachable) throw;
      }
    }
    return load_header(*volume_, HeaderPart::whole);
  }

  void check_ordinary() {
    ::luksdetached::check_servable(arguments_.volume, loaded_.header, opener_of(options_));
    if (loaded_.header.segment.offset < loaded_.header.end) {
      throw Error(ErrorKind::policy, "volume " + volume_->name() +
                                         " has a header and no data: those are elsewhere, and "
                                         "begin at byte " +
                                         std::to_string(loaded_.header.segment.offset));
    }
    std::vector<std::string> about_volume;
    area_ = find_data_area(loaded_.header.segment, volume_->size(), {}, about_volume);
    for (const std::string& text : about_volume) {
      warnings_.add("volume " + volume_->name() + ": " + text);
    }
  }

  SecureBuffer unlock(const LoadedHeader& header, const std::string& uri) {
    luks::KdfBudget budget = kdf_budget(options_);
    return unlock_header(options_, uri, header, secrets_, budget, warnings_.warn()).volume_key;
  }

  void move_data() {
    const LoadedHeader moved = edit::move_segment(loaded_, 0);
    (void)kept_.has(moved);  // before hours of copying
    copy::SourcePart data(*volume_, area_.offset, area_.size);
    already_there_ = copy_to(data, is_file_place(arguments_.volume),
                             {.role = "payload",
                              .uri = arguments_.payload,
                              .force = arguments_.force,
                              .insecure = options_.insecure},
                             warnings_);
    check_same_data(moved);
    kept_.put(moved, warnings_.warn());
  }

  // The ciphertext was compared; that the new header makes the same of it is seen in a few places.
  void check_same_data(const LoadedHeader& moved) {
    RangeLock old_lock;
    RangeLock new_lock;
    const auto before = open_plain(loaded_, volume_key_,
                                   open_to_read("volume", arguments_.volume, options_.insecure),
                                   old_lock, warnings_);
    const auto after = open_plain(moved, unlock(moved, arguments_.volume),
                                  open_to_read("payload", arguments_.payload, options_.insecure),
                                  new_lock, warnings_);
    constexpr std::uint64_t places = 64;
    std::vector<std::byte> one(loaded_.header.segment.sector_size);
    std::vector<std::byte> other(one.size());
    const std::uint64_t sectors = area_.size / one.size();
    for (std::uint64_t n = 0; n <= places; ++n) {
      const std::uint64_t offset = (sectors - 1) * n / places * one.size();
      before->read(one, offset);
      after->read(other, offset);
      if (one == other) continue;
      throw Error(ErrorKind::io, "payload " + after->name() + " does not have the data of volume " +
                                     volume_->name() + ", so no header was written");
    }
  }

  // The header on stable storage, read from there, opens the volume.
  void prove() {
    if (!kept_.can_be_flushed()) {
      throw Error(ErrorKind::policy, "header " + parse_uri(arguments_.header).name +
                                         ": its storage cannot be told to make it durable, so the "
                                         "one in " +
                                         volume_->name() + " was not wiped");
    }
    edit::forget_cached(arguments_.header);
    const LoadedHeader kept = kept_.load();
    const SecureBuffer key = unlock(kept, arguments_.header);
    if (kept.header.segment.offset == area_.offset &&
        equal_in_constant_time(key.span(), volume_key_.span())) {
      return;
    }
    throw Error(ErrorKind::io, "header " + parse_uri(arguments_.header).name +
                                   " does not open the volume, so the one in " + volume_->name() +
                                   " was not wiped");
  }

  void wipe() {
    prove();
    const std::vector<std::byte> zeros(loaded_.header.end);
    volume_->write(zeros, 0, Durability::cached);
    volume_->flush();
    edit::forget_cached(arguments_.volume);
    std::vector<std::byte> there(zeros.size());
    volume_->read(there, 0);
    if (there == zeros) return;
    throw Error(ErrorKind::io, "volume " + volume_->name() +
                                   ": its header was overwritten, and can still be read");
  }

  DetachArguments& arguments_;
  Warnings& warnings_;
  ExportOptions options_;
  DetachedHeader kept_;
  std::unique_ptr<Source> volume_;
  LoadedHeader loaded_;
  DataArea area_;
  std::vector<SecureBuffer> secrets_;
  SecureBuffer volume_key_;
  std::uint64_t already_there_ = 0;  // bytes
};

}  // namespace

int detach(DetachArguments& arguments) {
  return with_json_failure(arguments.json, [&] {
    Warnings warnings(arguments.json);
    Detachment detachment(arguments, warnings);
    detachment.run();
    const bool in_place = arguments.payload.empty();
    const std::string header = parse_uri(arguments.header).name;
    const std::string payload = parse_uri(in_place ? arguments.volume : arguments.payload).name;
    const std::uint64_t size = detachment.area().size;
    const std::uint64_t offset = in_place ? detachment.area().offset : 0;
    if (arguments.json) {
      print_json({{"schema", 1},
                  {"done", true},
                  {"header", header},
                  {"warnings", warnings.texts()},
                  {"volume", detachment.volume_name()},
                  {"payload", payload},
                  {"uuid", detachment.header().uuid},
                  {"offset", offset},
                  {"size", size},
                  {"header_wiped", arguments.wipe_header},
                  {"already_there", detachment.already_there()}});
      return exit_done;
    }
    std::printf("%s: the header of %s, for %s: %s of data, which begin at byte %llu\n",
                header.c_str(), detachment.volume_name().c_str(), payload.c_str(),
                size_text(size).c_str(), static_cast<unsigned long long>(offset));
    std::printf(
        arguments.wipe_header ? "%s: has no header any more\n" : "%s: still has its header\n",
        detachment.volume_name().c_str());
    return exit_done;
  });
}

}  // namespace luksdetached
