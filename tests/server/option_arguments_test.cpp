#include "server/option_arguments.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace luksdetached {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a command with some of the options makes of `line`.
ExportOptions parse(const std::string& line) {
  CLI::App app;
  OptionArguments arguments;
  arguments.add_header(app);
  for (const char* key : {"secret", "secret-offset", "passphrase", "insecure"}) {
    arguments.add(app, key, "VALUE", "");
  }
  app.parse(line);
  return arguments.options(Purpose::unlock);
}

std::string complaint(const std::string& line) {
  try {
    parse(line);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(OptionArgumentsTest, TheParametersOfThePluginAreOptions) {
  const ExportOptions options =
      parse("--secret a --secret=[b,c] H --secret-offset 2k --passphrase -7 --insecure");
  EXPECT_THAT(options.headers, ElementsAre("H"));
  EXPECT_THAT(options.secrets, ElementsAre(SecretFrom{.path = "a"}, SecretFrom{.path = "[b,c]"}));
  EXPECT_EQ(options.secret_offset, 2048U);
  ASSERT_EQ(options.passphrases.size(), 1U);
  EXPECT_EQ(options.passphrases[0].descriptor, 7);
  EXPECT_TRUE(options.insecure);
}

TEST(OptionArgumentsTest, AnOptionDoesNotSwallowTheHeader) {
  EXPECT_EQ(parse("--secret a H").headers, std::vector<std::string>{"H"});
  EXPECT_EQ(parse("--passphrase - H").headers, std::vector<std::string>{"H"});
}

TEST(OptionArgumentsTest, TheChecksAreThoseOfThePlugin) {
  EXPECT_THAT(complaint("H --secret a --secret-offset x"), HasSubstr("secret-offset=x"));
  EXPECT_THAT(complaint("H --secret a --secret-offset 1 --secret-offset 2"),
              HasSubstr("more than once"));
  EXPECT_THAT(complaint("H --secret fd:x"), HasSubstr("fd:"));
  EXPECT_THAT(complaint("H"), HasSubstr("is missing"));
  const std::string literal = complaint("H --passphrase hunter2");
  EXPECT_THAT(literal, HasSubstr("on the command line"));
  EXPECT_THAT(literal, ::testing::Not(HasSubstr("hunter2")));
}

TEST(OptionArgumentsTest, MessagesNameOptionsByTheirPrefix) {
  const auto complaint = [](const std::string& line) -> std::string {
    CLI::App app;
    OptionArguments arguments("new-");
    for (const char* key : {"secret", "secret-size", "passphrase"}) {
      arguments.add(app, key, "VALUE", "");
    }
    try {
      app.parse(line);
      (void)arguments.options(Purpose::new_secret);
    } catch (const OptionError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(complaint("--new-secret fd:x --new-secret-size 1"),
            "new-secret=fd:x: expected the number of a file descriptor, such as fd:3 (a file of "
            "that name is written ./fd:x)");
  EXPECT_THAT(complaint("--new-secret a --new-secret-size 1 --new-secret-size 2"),
              HasSubstr("new-secret-size= is given more than once"));
  EXPECT_EQ(complaint("--new-passphrase +a --new-secret-size 1"),
            "new-secret-offset= and new-secret-size= are about new-secret=, which is not given");
  EXPECT_THAT(complaint("--new-passphrase hunter2"), HasSubstr("new-passphrase= takes +FILE"));
}

TEST(OptionArgumentsTest, WhatIsSetIsAsIfItHadBeenGiven) {
  CLI::App app;
  OptionArguments arguments;
  arguments.add_header(app);
  arguments.add(app, "passphrase", "VALUE", "");
  app.parse("H");
  EXPECT_FALSE(arguments.has("passphrase"));
  arguments.set("passphrase", "-");
  EXPECT_TRUE(arguments.has("passphrase"));
  EXPECT_EQ(arguments.options(Purpose::unlock).passphrases.size(), 1U);
}

}  // namespace
}  // namespace luksdetached
