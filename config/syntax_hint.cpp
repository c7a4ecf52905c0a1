#include "config/syntax_hint.h"

namespace luksdetached {

std::string_view syntax_hint(std::string_view description, std::string_view rest) {
  const auto says = [&](std::string_view words) {
    return description.find(words) != std::string_view::npos;
  };
  const bool at_end_of_line = rest.empty() || rest.front() == '\n' || rest.front() == '\r';
  if (says("parsing string") || says("parsing literal string")) {
    return at_end_of_line
               ? "; a string needs its closing quote, on the same line if it has one quote"
               : "";
  }
  // A word without quotes; toml++ takes some for the beginning of "nan" or "inf".
  if (says("could not determine value type") || says("parsing boolean") || says("expected 'nan'") ||
      says("expected 'inf'")) {
    return "; a text needs quotes, true and false have none and are in lower case";
  }
  if (says("leading zeroes")) return "; permissions are written 0o660";
  if (says("parsing inline table") && at_end_of_line) {
    return "; a table in braces must be on one line";
  }
  if (says("parsing decimal integer: expected digit")) {
    return "; a number with a unit needs quotes, as in \"16M\"";
  }
  return "";
}

}  // namespace luksdetached
