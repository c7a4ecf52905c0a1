#include "text_table.h"

#include <algorithm>
#include <string_view>

#include "source/uri.h"

namespace luksdetached {

namespace {

// Characters of UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string text_table(std::vector<Row> rows, std::size_t indent) {
  std::vector<std::size_t> widths;
  for (Row& row : rows) {
    for (std::string& cell : row) cell = escape_control(cell);
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t n = 0; n < row.size(); ++n) widths[n] = std::max(widths[n], width(row[n]));
  }
  std::string text;
  for (const Row& row : rows) {
    text.append(indent, ' ');
    for (std::size_t n = 0; n < row.size(); ++n) {
      text += row[n];
      if (n + 1 < row.size()) text.append(widths[n] - width(row[n]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace luksdetached
