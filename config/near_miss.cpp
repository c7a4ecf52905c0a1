#include "config/near_miss.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace luksdetached {

namespace {

constexpr std::size_t most_edits = 2;

char folded(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Levenshtein's distance.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string near_miss(std::string_view word, const std::set<std::string>& known) {
  std::string nearest;
  std::size_t least = most_edits + 1;
  for (const std::string& one : known) {
    const std::size_t longer = std::max(word.size(), one.size());
    const std::size_t shorter = std::min(word.size(), one.size());
    if (shorter <= most_edits || longer - shorter > most_edits) continue;
    const std::size_t distance = edits(word, one);
    if (distance >= least) continue;
    least = distance;
    nearest = one;
  }
  return nearest;
}

}  // namespace luksdetached
