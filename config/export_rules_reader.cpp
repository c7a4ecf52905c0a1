// What [[export]] says of who may see and open it.
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/account.h"
#include "config/config_readers.h"

namespace luksdetached {

namespace {

constexpr std::size_t max_description_bytes = 4096;  // of a string of the NBD protocol
constexpr unsigned max_clients = 65536;

class RulesReader {
 public:
  RulesReader(Section& section, Mistakes& mistakes) : section_(section), mistakes_(mistakes) {}

  ExportRules read() {
    ExportRules rules;
    if (const auto list = section_.value<bool>("list", "true or false")) rules.list = *list;
    rules.description = read_description();
    rules.allow_uid = read_accounts("allow-uid", "user", find_user);
    rules.allow_gid = read_accounts("allow-gid", "group", find_group);
    rules.allow_subject = read_subjects();
    rules.max_clients = read_max_clients();
    return rules;
  }

 private:
  using Find = std::optional<std::uint32_t> (*)(const std::string& name);

  std::string read_description() {
    const auto text = section_.value<std::string>("description", "a string");
    if (!text) return {};
    if (text->size() > max_description_bytes) {
      mistakes_.add(section_.take("description")->source(),
                    "description is longer than " + std::to_string(max_description_bytes) +
                        " bytes, which is all that NBD can tell");
      return {};
    }
    return *text;
  }

  unsigned read_max_clients() {
    const auto number = section_.value<std::int64_t>("max-clients", "an integer");
    if (!number) return 0;
    if (*number < 1 || *number > max_clients) {
      mistakes_.add(section_.take("max-clients")->source(),
                    "max-clients must be from 1 to " + std::to_string(max_clients));
      return 0;
    }
    return static_cast<unsigned>(*number);
  }

  // Calls `read_one` for each element of an array, which must not be empty: nobody matches that.
  void read_array(std::string_view key, std::string_view expected,
                  const std::function<void(const toml::node&)>& read_one) {
    const toml::node* node = section_.take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      section_.wrong_type(key, *node, expected);
    } else if (array->empty()) {
      mistakes_.add(node->source(), std::string(key) + " is an empty array; without " +
                                        std::string(key) + " it is no rule");
    } else {
      for (const toml::node& element : *array) read_one(element);
    }
  }

  std::vector<std::uint32_t> read_accounts(std::string_view key, std::string_view what, Find find) {
    constexpr std::string_view expected = "an array of numbers and names";
    std::vector<std::uint32_t> ids;
    read_array(key, expected, [&](const toml::node& element) {
      if (const auto number = element.value_exact<std::int64_t>()) {
        // The last number stands for none (chown(2)).
        if (*number >= 0 && *number < std::numeric_limits<std::uint32_t>::max()) {
          ids.push_back(static_cast<std::uint32_t>(*number));
        } else {
          mistakes_.add(element.source(), std::string(key) + ": " + std::to_string(*number) +
                                              " is no number of a " + std::string(what));
        }
      } else if (!element.is_string()) {
        section_.wrong_type(key, element, expected);
      } else if (const auto name = section_.text_of(key, element)) {
        if (const auto id = find(*name)) {
          ids.push_back(*id);
        } else {
          mistakes_.add(element.source(), std::string(key) + ": there is no " + std::string(what) +
                                              " called '" + shortened(*name) + "'");
        }
      }
    });
    return ids;
  }

  std::vector<std::string> read_subjects() {
    constexpr std::string_view key = "allow-subject";
    constexpr std::string_view expected = "an array of strings";
    std::vector<std::string> subjects;
    read_array(key, expected, [&](const toml::node& element) {
      if (!element.is_string()) {
        section_.wrong_type(key, element, expected);
      } else if (auto subject = section_.text_of(key, element)) {
        if (subject->find('=') == std::string::npos) {
          mistakes_.add(element.source(), "allow-subject: '" + shortened(*subject) +
                                              "' is no subject of a certificate, such as "
                                              "CN=host1,O=Example");
        } else {
          subjects.push_back(std::move(*subject));
        }
      }
    });
    return subjects;
  }

  Section& section_;
  Mistakes& mistakes_;
};

}  // namespace

ExportRules read_export_rules(Section& section, ServiceConfig& config, Mistakes& mistakes) {
  ExportRules rules = RulesReader(section, mistakes).read();
  if (const toml::node* subjects = section.take("allow-subject")) {
    const toml::source_position& at = subjects->source().begin;
    if (!config.tls_verify_peer) {
      mistakes.add(subjects->source(),
                   "allow-subject needs tls-certificates and tls-verify-peer = true in [service]: "
                   "else clients have no certificate that counts");
    } else if (!config.subject_rule) {
      config.subject_rule = ConfigPlace{at.line, at.column};
    }
  }
  return rules;
}

void check_subject_rules(const ServiceConfig& config, std::string_view file,
                         bool nbdkit_tells_subjects) {
  if (!config.subject_rule || nbdkit_tells_subjects) return;
  Mistakes mistakes;
  mistakes.add(
      config.subject_rule->line, config.subject_rule->column,
      "allow-subject needs nbdkit 1.42 or newer (Debian 13 has it): this one does not tell "
      "the subject of a client's certificate");
  mistakes.throw_if_any(file);
}

}  // namespace luksdetached
