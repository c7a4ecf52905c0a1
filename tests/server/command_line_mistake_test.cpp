#include "server/command_line_mistake.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>

namespace luksdetached {
namespace {

// What a program with the commands `key list HEADER` and `test HEADER --secret SECRET` says of
// `line`.
std::string complaint(const std::string& line) {
  CLI::App app("", "program");
  app.require_subcommand(1);
  CLI::App& key = *app.add_subcommand("key", "");
  key.require_subcommand(1);
  std::string text;
  key.add_subcommand("list", "")->add_option("HEADER", text)->required();
  CLI::App& test = *app.add_subcommand("test", "");
  test.add_option("HEADER", text)->required();
  test.add_option("--secret", text);
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return command_line_mistake(app, error);
  }
  return "nothing was thrown";
}

TEST(CommandLineMistakeTest, WithoutACommandItSaysWhatListsThem) {
  EXPECT_EQ(complaint(""), "a command is required (program --help lists them)");
  EXPECT_EQ(complaint("key"), "a command is required (program key --help lists them)");
}

TEST(CommandLineMistakeTest, ACommandThatThereIsNotIsNamed) {
  EXPECT_EQ(complaint("tset H"), "there is no command 'tset' (program --help lists them)");
  EXPECT_EQ(complaint("key lst H"), "there is no command 'lst' (program key --help lists them)");
}

TEST(CommandLineMistakeTest, WhatIsNotExpectedIsInTheOrderTyped) {
  EXPECT_EQ(complaint("test H --scret file"),
            "not expected: --scret file (program test --help says more)");
  EXPECT_EQ(complaint("test --scret"), "not expected: --scret (program test --help says more)");
  EXPECT_EQ(complaint("key list a b c"), "not expected: b c (program key list --help says more)");
}

TEST(CommandLineMistakeTest, WhatElseIsWrongIsSaidAsTheLibraryDoes) {
  EXPECT_EQ(complaint("test"), "HEADER is required (program test --help says more)");
}

}  // namespace
}  // namespace luksdetached
