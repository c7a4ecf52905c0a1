#include "export/unlock_first_header.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.h"
#include "crypto/secure_memory.h"
#include "export/unlock_header.h"
#include "luks/same_volume.h"
#include "source/uri.h"

namespace luksdetached {

namespace {

// A mistake in any URI shows before anything is read, not when the header is needed one day.
std::vector<std::string> names_of(const std::vector<std::string>& uris) {
  std::vector<std::string> names;
  names.reserve(uris.size());
  for (const std::string& uri : uris) {
    try {
      names.push_back(parse_uri(uri).name);
    } catch (const Error& error) {
      throw Error(error.kind(), std::string("header: ") + error.what(), error.errno_code());
    }
  }
  return names;
}

// The headers that were not used, and why.
class Failures {
 public:
  void add(const std::string& name, const Error& error) {
    reasons_.push_back("header " + name + " is not used: " + reason(name, error.what()));
    if (!most_telling_ || (error.kind() == ErrorKind::wrong_secret &&
                           most_telling_->kind() != ErrorKind::wrong_secret)) {
      most_telling_ = error;
    }
  }

  // The newest one, as a warning.
  const std::string& warning() const { return reasons_.back(); }

  // That there is no header left.
  Error error() const {
    if (reasons_.size() == 1) return *most_telling_;
    std::string message = "no header unlocks the volume";
    const char* separator = ": ";
    for (const std::string& text : reasons_) message += std::exchange(separator, "; ") + text;
    return {most_telling_->kind(), message, most_telling_->errno_code()};
  }

 private:
  // The message without the words by which it names the header.
  static std::string reason(const std::string& name, const std::string& message) {
    for (const std::string& prefix : {"cannot unlock header " + name + ": ",
                                      "header " + name + ": ", std::string("header: ")}) {
      if (message.starts_with(prefix)) return message.substr(prefix.size());
    }
    return message;
  }

  std::vector<std::string> reasons_;
  std::optional<Error> most_telling_;  // a wrong secret, or else the first
};

// The headers that were read so far, all of one volume.
class Siblings {
 public:
  // Throws Error(policy) when the header is not of the same volume.
  void add(const std::string& name, const luks::Header& header) {
    if (first_) {
      const std::string difference = luks::volume_difference(header, first_->header);
      if (!difference.empty()) {
        throw Error(ErrorKind::policy,
                    "header " + name + " is not of the same volume as header " + first_->name +
                        ", or describes it differently: " + difference +
                        "; nothing is unlocked: leave out the one that is not this payload's");
      }
    } else {
      first_ = {name, header};
    }
    const std::uint64_t sequence = luks::sequence_of(header).value_or(0);
    if (!newest_ || sequence > newest_->sequence) newest_ = {name, sequence};
  }

  // What is to be said when this header is used, or nothing.
  std::string warning_about(const luks::Header& used) const {
    const std::optional<std::uint64_t> sequence = luks::sequence_of(used);
    if (!sequence || *sequence >= newest_->sequence) return "";
    return "it is older than header " + newest_->name + " (sequence " + std::to_string(*sequence) +
           ", not " + std::to_string(newest_->sequence) + "), so a removed key slot may open again";
  }

 private:
  struct First {
    std::string name;
    luks::Header header;
  };
  struct Newest {
    std::string name;
    std::uint64_t sequence;
  };
  std::optional<First> first_;
  std::optional<Newest> newest_;
};

}  // namespace

UnlockedHeader unlock_first_header(const ExportOptions& options, const CheckHeader& check,
                                   std::vector<std::string>& warnings) {
  const std::vector<std::string> names = names_of(options.headers);
  Failures failures;
  Siblings siblings;
  luks::KdfBudget budget = kdf_budget(options);
  std::optional<std::vector<SecureBuffer>> secrets;

  for (std::size_t n = 0; n < names.size(); ++n) {
    const std::string& uri = options.headers[n];
    const auto warn = [&](const std::string& text) {
      warnings.push_back("header " + names[n] + ": " + text);
    };
    // Does `step` work for this header?
    const auto works = [&](const auto& step) {
      try {
        step();
        return true;
      } catch (const Error& error) {
        failures.add(names[n], error);
        warnings.push_back(failures.warning());
        return false;
      }
    };

    UnlockedHeader header{names[n], {}, {}};
    if (!works([&] { header.loaded = read_required_header(options, uri); })) continue;
    for (const std::string& text : header.loaded.header.warnings) warn(text);
    check_servable(uri, header.loaded.header, luks::Opener::volume_key);
    siblings.add(names[n], header.loaded.header);
    if (!works([&] { check_servable(uri, header.loaded.header, opener_of(options)); })) continue;
    check(uri, header.loaded);
    if (!secrets) {
      secrets = read_secrets(options, [&](const std::string& text) { warnings.push_back(text); });
    }
    if (!works([&] {
          header.unlocked = unlock_header(options, uri, header.loaded, *secrets, budget, warn);
        })) {
      continue;
    }
    if (const std::string text = siblings.warning_about(header.loaded.header); !text.empty()) {
      warn(text);
    }
    return header;
  }
  throw failures.error();
}

}  // namespace luksdetached
