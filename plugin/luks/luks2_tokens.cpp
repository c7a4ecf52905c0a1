#include "luks/luks2_tokens.h"

#include <algorithm>
#include <set>

namespace luksdetached::luks {

std::vector<Token> parse_luks2_tokens(const Node& tokens, const Node& keyslots) {
  std::vector<Token> list;
  tokens.for_each_numbered([&](unsigned id, const Node& node) {
    const std::set<unsigned> slots = node.references("keyslots", keyslots);
    list.push_back({id, node.shown_text("type"), {slots.begin(), slots.end()}});
  });
  std::sort(list.begin(), list.end(), [](const Token& a, const Token& b) { return a.id < b.id; });
  return list;
}

}  // namespace luksdetached::luks
