// One table of a TOML file, read key by key; what is wrong with it is collected with its place.
// Included by this folder only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/service_config.h"
#include "config/toml_library.h"

namespace luksdetached {

/// Everything that is wrong with a file.
class Mistakes {
 public:
  /// `message` becomes printable.
  void add(const toml::source_region& where, std::string message);
  void add(unsigned line, unsigned column, std::string message);

  /// Throws ConfigError with all of them, in the order of the file, if there are any.
  void throw_if_any(std::string_view file);

 private:
  std::vector<ConfigMistake> list_;
};

/// Is `c` an ASCII control character?
inline bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// Has `text` (UTF-8) a control character, of ASCII or one from U+0080 to U+009F? No path and no
/// name of ours has; in a log or on a terminal they do mischief.
bool has_control(std::string_view text);

/// `text` with question marks for ASCII control characters: a message is one line, and does not
/// play tricks with a terminal, whatever it quotes.
std::string printable(std::string text);

/// About 80 bytes of `text` (UTF-8) at most.
std::string shortened(std::string_view text);

/// What a value is, in words: "a string".
std::string type_word(const toml::node& node);

/// The keys of one table. Each key that is asked for is known; all others are mistakes.
class Section {
 public:
  /// `title` is its name in messages, such as "[service]". Both references must outlive it.
  Section(const toml::table& table, std::string title, Mistakes& mistakes)
      : table_(table), title_(std::move(title)), mistakes_(mistakes) {}

  const std::string& title() const { return title_; }
  const toml::source_region& where() const { return table_.source(); }

  /// The value of `key`, or null when it is not there.
  const toml::node* take(std::string_view key);

  /// The value of `key` if it is there and of type T, which is called `expected` in messages.
  template <typename T>
  std::optional<T> value(std::string_view key, std::string_view expected) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    if constexpr (std::is_same_v<T, std::string>) {
      if (node->is_string()) return text_of(key, *node);
    }
    if (std::optional<T> found = node->value_exact<T>()) return found;
    wrong_type(key, *node, expected);
    return std::nullopt;
  }

  /// The text of `node`, the value of `key` or a part of it, if it is a string; one with control
  /// characters is a mistake.
  std::optional<std::string> text_of(std::string_view key, const toml::node& node);

  void wrong_type(std::string_view key, const toml::node& node, std::string_view expected);
  void missing(std::string_view what);

  /// Last: complains about every key that was not asked for.
  void report_unknown_keys();

 private:
  const toml::table& table_;
  std::string title_;
  Mistakes& mistakes_;
  std::set<std::string> known_;
};

}  // namespace luksdetached
