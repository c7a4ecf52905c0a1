#include "luks/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include "luks/display_text.h"
#include "luks/header_formats.h"

namespace luksdetached::luks {

namespace {

using nlohmann::json;

// Where json-c stops, which cryptsetup reads headers with: a token may hold anything up to there.
constexpr unsigned max_level = 32;
constexpr unsigned max_values = 65536;  // with all slots in use, cryptsetup writes less than 2000

// Looks at the structure before anything is built from it: the library would keep the last of
// several equal names, which lets one reader see another volume than the next reader does, and it
// would build any amount of values that fits into four megabytes.
class StructureCheck final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override {
    names_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    // json-c, which cryptsetup reads headers with, ends a name at NUL.
    if (name.find('\0') != std::string::npos) {
      throw damaged("its JSON has a name with NUL in it: '" + display_name(name) + "'");
    }
    if (names_.back().insert(name).second) return true;
    throw damaged("its JSON has the name '" + display_name(name) + "' twice in one object");
  }
  bool end_object() override {
    names_.pop_back();
    return leave();
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    throw damaged("its JSON is not valid at byte " + std::to_string(position));
  }

 private:
  bool value() {
    if (++values_ > max_values) {
      throw damaged("its JSON has more than " + std::to_string(max_values) + " values");
    }
    if (containers_ + 1 > max_level) throw damaged("its JSON is nested too deeply");
    return true;
  }
  bool enter() {
    value();
    ++containers_;
    return true;
  }
  bool leave() {
    --containers_;
    return true;
  }

  std::vector<std::set<std::string>> names_;  // of the objects around the current place
  unsigned containers_ = 0;                   // objects and arrays around the current place
  unsigned values_ = 0;
};

}  // namespace

json parse_strict_json(std::string_view text) {
  StructureCheck check;
  json::sax_parse(text, &check);
  try {
    return json::parse(text);
  } catch (const json::exception&) {
    throw damaged("its JSON is not valid");  // a number out of range, for one
  }
}

}  // namespace luksdetached::luks
