#include "luks/luks2_tokens.h"

#include <algorithm>
#include <set>
#include <utility>

#include "luks/jwe.h"

namespace luksdetached::luks {

std::vector<Token> parse_luks2_tokens(const Node& tokens, const Node& keyslots) {
  std::vector<Token> list;
  tokens.for_each_numbered([&](unsigned id, const Node& node) {
    const std::set<unsigned> slots = node.references("keyslots", keyslots);
    Token token{id, node.shown_text("type"), {slots.begin(), slots.end()}};
    if (token.type == "clevis" && node.has("jwe")) {
      token.jwe = compact_jwe(node.child("jwe").value());
    }
    list.push_back(std::move(token));
  });
  std::sort(list.begin(), list.end(), [](const Token& a, const Token& b) { return a.id < b.id; });
  return list;
}

}  // namespace luksdetached::luks
