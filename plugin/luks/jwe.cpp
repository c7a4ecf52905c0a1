#include "luks/jwe.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace luksdetached::luks {

namespace {

constexpr std::array<std::string_view, 5> jwe_parts = {"protected", "encrypted_key", "iv",
                                                       "ciphertext", "tag"};

bool is_base64url(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// A member that may be missing.
std::optional<std::string> part_of(const nlohmann::json& message, std::string_view name) {
  const auto found = message.find(std::string(name));
  if (found == message.end()) return "";
  if (!found->is_string() || !is_base64url(found->get_ref<const std::string&>())) {
    return std::nullopt;
  }
  return found->get<std::string>();
}

bool is_compact(std::string_view text) {
  const bool has_parts = std::count(text.begin(), text.end(), '.') == jwe_parts.size() - 1;
  return has_parts && !text.starts_with('.') && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '.' || is_base64url({&c, 1});
         });
}

}  // namespace

std::string compact_jwe(const nlohmann::json& message) {
  if (message.is_string()) {
    auto text = message.get<std::string>();
    return is_compact(text) ? text : "";
  }
  if (!message.is_object()) return "";
  // These have no place in the compact serialisation; "recipients" is of the general one.
  for (const char* name : {"unprotected", "header", "aad", "recipients"}) {
    if (message.contains(name)) return "";
  }
  std::string text;
  for (const std::string_view name : jwe_parts) {
    const std::optional<std::string> part = part_of(message, name);
    if (!part) return "";
    if (name != jwe_parts.front()) text += '.';
    text += *part;
  }
  return is_compact(text) ? text : "";
}

}  // namespace luksdetached::luks
