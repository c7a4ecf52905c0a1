#include "server/completions.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace luksdetached {
namespace {

// A program like ours: `key add HEADER`, with options of each kind, and `check CONFIG NAME`.
class Completions : public testing::Test {
 protected:
  Completions() {
    CLI::App& key = *app_.add_subcommand("key", "keys of a volume");
    CLI::App& add = *key.add_subcommand("add", "one more key");
    key.add_subcommand("list", "all keys");
    add.add_option("HEADER", text_, "the header");
    add.add_option("--secret", text_, "the secret")->option_text("SECRET");
    add.add_option("--passphrase", text_, "the passphrase")->option_text("+FILE|-|-FD");
    add.add_option("--luks", text_, "the version")->option_text("1|2");
    add.add_option("--slot", text_, "the number")->option_text("N");
    add.add_flag("--force", flag_, "in any case");
    CLI::App& check = *app_.add_subcommand("check", "is it good?");
    check.add_option("CONFIG", text_, "the config");
    check.add_option("NAME", texts_, "exports");
  }

  std::string after(const std::vector<std::string>& words) { return completions(app_, words); }

  const std::string add_options_ =
      "words\n"
      "--help\tPrint this help message and exit\n"
      "--secret\tthe secret\n"
      "--passphrase\tthe passphrase\n"
      "--luks\tthe version\n"
      "--slot\tthe number\n"
      "--force\tin any case\n";

 private:
  CLI::App app_{"a program", "program"};
  std::string text_;
  std::vector<std::string> texts_;
  bool flag_ = false;
};

TEST_F(Completions, OfNothingAreTheCommands) {
  EXPECT_EQ(after({}), "words\nkey\tkeys of a volume\ncheck\tis it good?\n");
  EXPECT_EQ(after({""}), after({}));
  EXPECT_EQ(after({"ke"}), after({}));  // the shell knows what fits
}

TEST_F(Completions, OfACommandAreItsCommands) {
  EXPECT_EQ(after({"key", ""}), "words\nadd\tone more key\nlist\tall keys\n");
}

TEST_F(Completions, OfADashAreTheOptions) {
  EXPECT_EQ(after({"-"}), "words\n--help\tPrint this help message and exit\n");
  EXPECT_EQ(after({"key", "add", "--se"}), add_options_);
}

TEST_F(Completions, OfAnArgumentAreFilesWhereItIsOne) {
  EXPECT_EQ(after({"key", "add", ""}), "files \n");
  EXPECT_EQ(after({"check", "he"}), "files \n");
  EXPECT_EQ(after({"check", "config.toml", ""}), "words\n");
}

TEST_F(Completions, AfterTheLastArgumentAreTheOptions) {
  EXPECT_EQ(after({"key", "add", "header.img", ""}), add_options_);
}

TEST_F(Completions, OfAnOptionsValueAreFilesOrItsChoicesOrNothing) {
  EXPECT_EQ(after({"key", "add", "--secret", ""}), "files \n");
  EXPECT_EQ(after({"key", "add", "--secret", "-"}), "files \n");
  EXPECT_EQ(after({"key", "add", "--passphrase", ""}), "files +\n");
  EXPECT_EQ(after({"key", "add", "--luks", ""}), "words\n1\t\n2\t\n");
  EXPECT_EQ(after({"key", "add", "--slot", ""}), "words\n");
}

TEST_F(Completions, OfAValueInTheWordOfItsOptionAreWholeWords) {
  EXPECT_EQ(after({"key", "add", "--secret="}), "files --secret=\n");
  EXPECT_EQ(after({"key", "add", "--passphrase=+a"}), "files --passphrase=+\n");
  EXPECT_EQ(after({"key", "add", "--luks="}), "words\n--luks=1\t\n--luks=2\t\n");
  EXPECT_EQ(after({"key", "add", "--force="}), "words\n");
  EXPECT_EQ(after({"key", "add", "--no-such="}), "words\n");
}

TEST_F(Completions, ValuesAndFlagsAreNoArguments) {
  EXPECT_EQ(after({"key", "add", "--secret", "list", ""}), "files \n");
  EXPECT_EQ(after({"key", "add", "--secret=list", ""}), "files \n");
  EXPECT_EQ(after({"key", "add", "--force", ""}), "files \n");
  EXPECT_EQ(after({"key", "add", "--force", "header.img", ""}), add_options_);
  EXPECT_EQ(after({"check", "key", ""}), "words\n");
}

}  // namespace
}  // namespace luksdetached
