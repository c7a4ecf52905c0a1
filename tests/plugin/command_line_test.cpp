#include "command_line.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace luksdetached {
namespace {

using Arguments = std::vector<std::string>;

std::string joined(const Arguments& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += "[" + argument + "]";
  return text;
}

TEST(AsksForReadOnlyTest, EveryWayToSayItIsUnderstood) {
  const Arguments table[] = {
      {"-r"},
      {"--read-only"},
      {"--readonly"},
      {"--reado"},  // getopt_long takes what only begins one option
      {"--read-o"},
      {"--read"},  // both of its meanings are the same option
      {"--re"},
      {"-fr"},
      {"-rf"},
      {"-fvr"},
      {"-rU", "socket"},
      {"-f", "-r"},
      {"-U", "socket", "-r"},
      {"-Usocket", "-r"},
      {"-P", "pidfile", "-r"},
      {"-fP", "pidfile", "-r"},
      {"-p", "10809", "--read-only"},
      {"-e", "name", "-r"},
      {"-i", "127.0.0.1", "-r"},
      {"-t", "4", "-r"},
      {"-u", "nobody", "-g", "nogroup", "-r"},
      {"-D", "nbdkit.x=1", "-r"},
      {"plugin", "header=h", "-r"},
      {"plugin", "-", "-r"},
      {"--run", "true", "-r"},
      {"-r", "--", "plugin"},
      {"--tls=off", "-r"},
  };
  for (const Arguments& arguments : table) {
    EXPECT_TRUE(asks_for_read_only(arguments)) << joined(arguments);
  }
}

TEST(UserToBecomeTest, EveryWayToSayItIsUnderstood) {
  for (const Arguments& arguments :
       {Arguments{"-u", "nobody"}, Arguments{"-unobody"}, Arguments{"-fu", "nobody"},
        Arguments{"--user=nobody"}, Arguments{"-r", "--user", "nobody"},
        Arguments{"--us", "nobody"}, Arguments{"-u", "one", "-unobody", "-r"},
        Arguments{"-u", "nobody", "--", "-u", "two"}}) {
    EXPECT_EQ(user_to_become(arguments), "nobody") << joined(arguments);
  }
  for (const Arguments& arguments : {Arguments{}, Arguments{"-U", "u"}, Arguments{"-U", "-u"},
                                     Arguments{"-Uu"}, Arguments{"--unix=u"}, Arguments{"--", "-u"},
                                     Arguments{"-g", "u"}, Arguments{"--run", "-u"}}) {
    EXPECT_EQ(user_to_become(arguments), std::nullopt) << joined(arguments);
  }
}

TEST(AsksForReadOnlyTest, WhatOnlyLooksLikeItIsNot) {
  const Arguments table[] = {
      {},
      {""},
      {"-"},
      {"-f"},
      {"-v", "-f"},
      {"r"},
      {"read-only"},
      {"-U", "-r"},  // the name of the socket
      {"-U-r"},
      {"-Ur"},
      {"-P", "r"},
      {"-P", "-r"},
      {"-fP", "-r"},
      {"-fPr"},
      {"-e", "-r"},
      {"-er"},
      {"-i", "-r"},
      {"-p", "-r"},
      {"-tr"},
      {"-u", "-r"},
      {"-g", "-r"},
      {"-D", "-r"},
      {"--", "-r"},
      {"-f", "--", "plugin", "-r"},
      {"--run", "true"},
      {"--r"},  // --run begins so, too
      {"--read-onlyx"},
      {"--read-only=1"},
      {"--readonlyy"},
      {"header=-r"},
      {"plugin", "payload=r"},
  };
  for (const Arguments& arguments : table) {
    EXPECT_FALSE(asks_for_read_only(arguments)) << joined(arguments);
  }
}

// The value of a long option that is an argument of its own.
TEST(AsksForReadOnlyTest, TheValueOfALongOptionIsNotAnOption) {
  for (const Arguments& arguments :
       {Arguments{"--run", "-r"}, Arguments{"--exportname", "-r"}, Arguments{"--filter", "-r"}}) {
    EXPECT_FALSE(asks_for_read_only(arguments)) << joined(arguments);
  }
}

TEST(ProcessArgumentsTest, AreThoseOfThisProcessWithoutItsName) {
  Arguments expected = ::testing::internal::GetArgvs();
  ASSERT_FALSE(expected.empty());
  expected.erase(expected.begin());
  EXPECT_EQ(process_arguments(), expected);
}

TEST(LogDestinationTest, IsTheValueOfLog) {
  EXPECT_EQ(log_destination({"-f", "--log=syslog", "plugin"}), "syslog");
  EXPECT_EQ(log_destination({"--log", "null", "plugin"}), "null");
  EXPECT_EQ(log_destination({"-U", "--log=null", "plugin"}), std::nullopt);
  EXPECT_EQ(log_destination({"-f", "plugin", "--", "--log=null"}), std::nullopt);
}

}  // namespace
}  // namespace luksdetached
