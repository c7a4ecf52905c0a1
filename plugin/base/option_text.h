// How messages name an option: as users of this process give it.
#pragma once

#include <string>
#include <string_view>

namespace luksdetached {

enum class OptionStyle {
  assignment,    ///< keyslot=0, as nbdkit takes parameters; so are those of a config file called
  command_line,  ///< --keyslot 0
};

/// The style of this process: `assignment`, unless the program says something else before there
/// are threads.
inline OptionStyle& option_style() noexcept {
  static OptionStyle style = OptionStyle::assignment;
  return style;
}

/// "keyslot=" or "--keyslot"
inline std::string option_text(std::string_view name) {
  const std::string text(name);
  return option_style() == OptionStyle::command_line ? "--" + text : text + "=";
}

/// "keyslot=0" or "--keyslot 0"
inline std::string option_text(std::string_view name, std::string_view value) {
  if (option_style() == OptionStyle::assignment) return option_text(name).append(value);
  return option_text(name).append(" ").append(value.empty() ? "''" : value);
}

/// "insecure=true" or "--insecure"
inline std::string flag_text(std::string_view name) {
  return option_style() == OptionStyle::command_line ? option_text(name)
                                                     : option_text(name, "true");
}

}  // namespace luksdetached
