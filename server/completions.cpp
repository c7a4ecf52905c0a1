#include "completions.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>

namespace luksdetached {

namespace {

constexpr const char* words_line = "words\n";

// What --help calls values that are files, or can be, and what is written before the file's name.
const std::map<std::string, std::string>& file_values() {
  static const std::map<std::string, std::string> values = {
      {"CONFIG", ""}, {"FILE", ""},   {"HEADER", ""}, {"PATH", ""},   {"SECRET", ""},
      {"SOURCE", ""}, {"TARGET", ""}, {"URI", ""},    {"VOLUME", ""}, {"+FILE|-|-FD", "+"}};
  return values;
}

// Where on the command line its next word is.
struct Place {
  const CLI::App* command;
  const CLI::Option* option;  // whose value the word is; or none
  std::size_t arguments;      // that the command has got already, besides options and their values
};

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

const CLI::App* find_command(const CLI::App& command, const std::string& name) {
  const auto found =
      command.get_subcommands([&](const CLI::App* child) { return child->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

Place next_place(const Place& place, const std::string& word) {
  const CLI::App* command = place.command;
  if (place.option != nullptr) return {command, nullptr, place.arguments};
  if (word.size() > 1 && word[0] == '-') {
    // --option=value is no option's name
    const CLI::Option* option = command->get_option_no_throw(word);
    if (option != nullptr && !takes_value(*option)) option = nullptr;
    return {command, option, place.arguments};
  }
  if (const CLI::App* child = find_command(*command, word)) return {child, nullptr, 0};
  return {command, nullptr, place.arguments + 1};
}

// `value` is what --help calls it. `before` stands before it in the same word.
std::string value_completions(const std::string& value, const std::string& before) {
  if (const auto file = file_values().find(value); file != file_values().end()) {
    return "files " + before + file->second + "\n";
  }
  // What is in lower case, or a number, is meant as it stands.
  std::string answer = words_line;
  const bool is_choice = value.find('|') != std::string::npos &&
                         std::none_of(value.begin(), value.end(),
                                      [](char letter) { return letter >= 'A' && letter <= 'Z'; });
  if (!is_choice) return answer;
  std::istringstream choices(value);
  for (std::string choice; std::getline(choices, choice, '|');) {
    answer += before + choice + "\t\n";
  }
  return answer;
}

std::string option_names(const CLI::App& command) {
  std::string answer = words_line;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      answer += "--" + name + "\t" + option->get_description() + "\n";
    }
  }
  return answer;
}

std::string command_names(const CLI::App& command) {
  std::string answer = words_line;
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    answer += child->get_name() + "\t" + child->get_description() + "\n";
  }
  return answer;
}

// What is neither option nor command.
std::string argument_completions(const Place& place) {
  const auto all = place.command->get_options(
      [](const CLI::Option* option) { return option->get_positional(); });
  if (place.arguments < all.size()) {
    return value_completions(all[place.arguments]->get_single_name(), "");
  }
  return option_names(*place.command);
}

}  // namespace

std::string completions(const CLI::App& app, const std::vector<std::string>& words) {
  Place place = {&app, nullptr, 0};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) place = next_place(place, words[i]);
  const std::string word = words.empty() ? "" : words.back();

  if (place.option != nullptr) return value_completions(place.option->get_option_text(), "");
  if (const std::size_t equals = word.find('='); word[0] == '-' && equals != std::string::npos) {
    const CLI::Option* option = place.command->get_option_no_throw(word.substr(0, equals));
    if (option == nullptr || !takes_value(*option)) return words_line;
    return value_completions(option->get_option_text(), word.substr(0, equals + 1));
  }
  if (word[0] == '-') return option_names(*place.command);
  const std::string commands = command_names(*place.command);
  return commands != words_line ? commands : argument_completions(place);
}

}  // namespace luksdetached
