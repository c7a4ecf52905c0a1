// Tables of changes to LUKS2 metadata, and what parse_header makes of them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>

#include "header_builder.h"
#include "luks/header.h"

namespace luksdetached::testing {

constexpr auto damaged = ErrorKind::header_damaged;
constexpr auto unsupported = ErrorKind::unsupported;

/// The header with changed metadata.
inline luks::Header parse_changed(const std::function<void(nlohmann::json&)>& change) {
  Luks2Image image;
  change(image.metadata);
  return luks::parse_header(image.bytes());
}

/// A second, unchanged key slot beside slot 0; both are bound.
inline void add_slot_1(nlohmann::json& m) {
  m["keyslots"]["1"] = m["keyslots"]["0"];
  m["keyslots"]["1"]["area"]["offset"] = "163840";
  m["digests"]["0"]["keyslots"] = nlohmann::json::array({"0", "1"});
}

/// Makes slot 1 unbound.
inline void unbind_slot_1(nlohmann::json& m) {
  m["digests"]["1"] = m["digests"]["0"];
  m["digests"]["0"]["keyslots"] = nlohmann::json::array({"0"});
  m["digests"]["1"]["keyslots"] = nlohmann::json::array({"1"});
  m["digests"]["1"]["segments"] = nlohmann::json::array();
}

/// A reencryption that was begun: its key slot 1, and the segments before and after it.
inline void begin_reencryption(nlohmann::json& m) {
  m["keyslots"]["1"] = {
      {"type", "reencrypt"},
      {"key_size", 1},
      {"mode", "reencrypt"},
      {"direction", "forward"},
      {"area", {{"type", "none"}, {"offset", "163840"}, {"size", "4096"}}},
  };
  auto& segments = m["segments"];
  segments["1"] = segments["2"] = segments["0"];
  segments["1"]["flags"] = nlohmann::json::array({"backup-previous"});
  segments["2"]["flags"] = nlohmann::json::array({"backup-final"});
  m["digests"]["0"]["segments"] = nlohmann::json::array({"0", "1", "2"});
  m["config"]["requirements"]["mandatory"] = nlohmann::json::array({"online-reencrypt-v2"});
}

/// One change. A kind other than header_damaged: the header is parsed, and its first refusal is it.
struct Malformed {
  const char* what;   ///< the member to set, as a JSON pointer (RFC 6901), or what `change` does
  const char* value;  ///< JSON; nullptr: the member is removed
  ErrorKind kind;
  const char* word;  ///< a piece of the message
  void (*change)(nlohmann::json&) = nullptr;
};

inline void apply(const Malformed& row, nlohmann::json& m) {
  using nlohmann::json;
  if (row.change != nullptr) {
    row.change(m);
  } else if (row.value != nullptr) {
    m[json::json_pointer(row.what)] = json::parse(row.value);
  } else {
    const json::json_pointer member(row.what);
    m.at(member.parent_pointer()).erase(member.back());
  }
}

inline void check(std::span<const Malformed> table) {
  for (const Malformed& row : table) {
    SCOPED_TRACE(std::string(row.what) + " " + (row.value == nullptr ? "" : row.value));
    const auto parse = [&] { return parse_changed([&](nlohmann::json& m) { apply(row, m); }); };
    if (row.kind == ErrorKind::header_damaged) {
      expect_error(row.kind, row.word, parse);
    } else {
      EXPECT_NO_THROW(parse());
      expect_error(row.kind, row.word, [&] { luks::check_servable(parse()); });
    }
  }
}

}  // namespace luksdetached::testing
