// Tables for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace luksdetached {

using Row = std::vector<std::string>;

/// Rows in columns, two spaces apart, each line behind `indent` spaces. What a terminal should not
/// see of a cell is escaped.
std::string text_table(std::vector<Row> rows, std::size_t indent);

}  // namespace luksdetached
