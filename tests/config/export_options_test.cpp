#include "config/export_options.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace luksdetached {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

const Parameters required = {{"header", "H"}, {"payload", "P"}, {"secret", "S"}};

ExportOptions parse(const Parameters& parameters) {
  OptionParser parser;
  for (const auto& [key, value] : parameters) parser.set(key, value);
  return parser.finish();
}

ExportOptions parse_with(const std::string& key, const std::string& value) {
  Parameters parameters = required;
  parameters.emplace_back(key, value);
  return parse(parameters);
}

std::string complaint(const Parameters& parameters) {
  try {
    parse(parameters);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string complaint_about(const std::string& key, const std::string& value) {
  OptionParser parser;
  try {
    parser.set(key, value);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ExportOptionsTest, APurposeRequiresOnlyWhatItNeeds) {
  const auto finish = [](const Parameters& parameters, Purpose purpose) {
    OptionParser parser;
    for (const auto& [key, value] : parameters) parser.set(key, value);
    return parser.finish(purpose).headers.at(0);
  };
  EXPECT_EQ(finish({{"header", "H"}}, Purpose::inspect), "H");
  EXPECT_THROW(finish({}, Purpose::inspect), OptionError);
  EXPECT_EQ(finish({{"header", "H"}, {"secret", "S"}}, Purpose::unlock), "H");
  EXPECT_THROW(finish({{"header", "H"}}, Purpose::unlock), OptionError);
  EXPECT_THROW(finish({{"header", "H"}, {"secret", "S"}}, Purpose::serve), OptionError);
  EXPECT_THROW(finish({{"header", "H"}, {"secret-size", "1"}}, Purpose::inspect), OptionError);
}

TEST(ExportOptionsTest, HeaderPayloadAndSecretAreEnoughAndTheRestHasSafeDefaults) {
  const ExportOptions options = parse(required);
  EXPECT_EQ(options.headers, std::vector<std::string>{"H"});
  EXPECT_EQ(options.payload, "P");
  EXPECT_EQ(options.secrets, std::vector{SecretFrom{.path = "S"}});
  EXPECT_EQ(options.reconnect_timeout, std::chrono::seconds(60));
  EXPECT_EQ(options.secret_offset, 0U);
  EXPECT_EQ(options.secret_size, std::nullopt);
  EXPECT_TRUE(options.passphrases.empty());
  EXPECT_EQ(options.keyslot, std::nullopt);
  EXPECT_EQ(options.payload_offset, std::nullopt);
  EXPECT_FALSE(options.discard);
  EXPECT_TRUE(options.lock);
  EXPECT_FALSE(options.insecure);
}

TEST(ExportOptionsTest, APassphraseTakesThePlaceOfASecret) {
  const ExportOptions options = parse({{"header", "H"}, {"payload", "P"}, {"passphrase", "+F"}});
  EXPECT_TRUE(options.secrets.empty());
  EXPECT_EQ(options.passphrases.size(), 1U);
}

TEST(ExportOptionsTest, SecretsRepeatInTheirOrder) {
  const ExportOptions options = parse_with("secret", "second");
  EXPECT_EQ(options.secrets, (std::vector<SecretFrom>{{.path = "S"}, {.path = "second"}}));
}

TEST(ExportOptionsTest, PassphrasesRepeatInTheirOrder) {
  Parameters parameters = required;
  parameters.emplace_back("passphrase", "+one");
  parameters.emplace_back("passphrase", "-7");
  const ExportOptions options = parse(parameters);
  ASSERT_EQ(options.passphrases.size(), 2U);
  EXPECT_EQ(options.passphrases[0].path, "one");
  EXPECT_EQ(options.passphrases[1].descriptor, 7);
}

TEST(ExportOptionsTest, APassphraseIsAFileStandardInputOrADescriptor) {
  using Kind = PassphraseFrom::Kind;
  struct Row {
    const char* value;
    Kind kind;
    const char* path;
    int descriptor;
  };
  for (const Row& row : {Row{"+/run/pass", Kind::file, "/run/pass", -1},
                         Row{"++", Kind::file, "+", -1}, Row{"-", Kind::standard_input, "", -1},
                         Row{"-0", Kind::descriptor, "", 0}, Row{"-12", Kind::descriptor, "", 12},
                         Row{"-2147483647", Kind::descriptor, "", 2147483647}}) {
    SCOPED_TRACE(row.value);
    const PassphraseFrom from = parse_with("passphrase", row.value).passphrases.at(0);
    EXPECT_EQ(from.kind, row.kind);
    EXPECT_EQ(from.path, row.path);
    EXPECT_EQ(from.descriptor, row.descriptor);
  }
}

TEST(ExportOptionsTest, EveryParameterSetsItsField) {
  const std::tuple<std::string, std::string, std::function<bool(const ExportOptions&)>> table[] = {
      {"secret-offset", "512", [](const ExportOptions& o) { return o.secret_offset == 512; }},
      {"secret-offset", "0", [](const ExportOptions& o) { return o.secret_offset == 0; }},
      {"secret-size", "32", [](const ExportOptions& o) { return o.secret_size == 32; }},
      {"kdf-memory-max", "1G",
       [](const ExportOptions& o) { return o.kdf_memory_max == std::uint64_t{1} << 30; }},
      {"kdf-iterations-max", "4294967295",
       [](const ExportOptions& o) { return o.kdf_iterations_max == 4294967295U; }},
      {"header", "H2",
       [](const ExportOptions& o) {
         return o.headers == std::vector<std::string>{"H", "H2"};
       }},
      {"reconnect-timeout", "86400",
       [](const ExportOptions& o) { return o.reconnect_timeout == std::chrono::hours(24); }},
      {"require-luks", "2", [](const ExportOptions& o) { return o.require_luks == 2U; }},
      {"require-uuid", "x", [](const ExportOptions& o) { return o.require_uuid == "x"; }},
      {"require-cipher", "y", [](const ExportOptions& o) { return o.require_cipher == "y"; }},
      {"header-sha256", std::string(32, 'a') + std::string(32, 'F'),
       [](const ExportOptions& o) {
         return o.header_sha256 == std::string(32, 'a') + std::string(32, 'f');
       }},
      {"keyslot", "0", [](const ExportOptions& o) { return o.keyslot == 0U; }},
      {"keyslot", "31", [](const ExportOptions& o) { return o.keyslot == 31U; }},
      {"payload-offset", "0", [](const ExportOptions& o) { return o.payload_offset == 0U; }},
      {"payload-offset", "16M",
       [](const ExportOptions& o) { return o.payload_offset == 16U << 20; }},
      {"payload-offset", "1s", [](const ExportOptions& o) { return o.payload_offset == 512U; }},
      {"discard", "yes", [](const ExportOptions& o) { return o.discard; }},
      {"lock", "false", [](const ExportOptions& o) { return !o.lock; }},
      {"insecure", "true", [](const ExportOptions& o) { return o.insecure; }},
  };
  for (const auto& [key, value, holds] : table) {
    EXPECT_TRUE(holds(parse_with(key, value))) << key << "=" << value;
  }
}

TEST(ExportOptionsTest, BooleansAreWrittenInFourWays) {
  for (const char* word : {"true", "yes", "on", "1"}) {
    EXPECT_TRUE(parse_with("insecure", word).insecure) << word;
    EXPECT_TRUE(parse_with("lock", word).lock) << word;
  }
  for (const char* word : {"false", "no", "off", "0"}) {
    EXPECT_FALSE(parse_with("insecure", word).insecure) << word;
    EXPECT_FALSE(parse_with("lock", word).lock) << word;
  }
}

TEST(ExportOptionsTest, AFileWithTheNameOfAnotherKindOfSecretIsWrittenWithADot) {
  for (const char* name : {"./fd:3", "./-"}) {
    EXPECT_EQ(parse({{"header", "H"}, {"payload", "P"}, {"secret", name}}).secrets.at(0),
              SecretFrom{.path = name});
  }
}

TEST(ExportOptionsTest, EveryKindOfSecretIsTakenApart) {
  using Kind = SecretFrom::Kind;
  const std::pair<const char*, SecretFrom> table[] = {
      {"-", {.kind = Kind::standard_input}},
      {"fd:0", {.kind = Kind::descriptor, .descriptor = 0}},
      {"fd:12", {.kind = Kind::descriptor, .descriptor = 12}},
      {"credential:vm 1", {.kind = Kind::credential, .credential = "vm 1"}},
      {"credential:..a", {.kind = Kind::credential, .credential = "..a"}},
      {"exec:/bin/x y", {.kind = Kind::program, .path = "/bin/x y"}},
      {"exec:./x", {.kind = Kind::program, .path = "./x"}},
      {"token:", {.kind = Kind::tokens}},
      {"/a/fd:3", {.path = "/a/fd:3"}},
      {"--", {.path = "--"}},
      {"Fd:3", {.path = "Fd:3"}},
  };
  for (const auto& [value, from] : table) {
    EXPECT_EQ(parse({{"header", "H"}, {"payload", "P"}, {"secret", value}}).secrets.at(0), from)
        << value;
    if (from.kind == Kind::tokens) continue;
    EXPECT_EQ(parse({{"header", "H"}, {"payload", "P"}, {"volume-key", value}}).volume_key, from)
        << value;
  }
}

TEST(ExportOptionsTest, AProgramMayHaveArguments) {
  OptionParser parser;
  parser.set("header", "H");
  parser.set_program("secret", {"exec:/x", "a", "exec:/y", ""});
  parser.set_program("secret", {"exec:/z"});
  const std::vector<SecretFrom> secrets = parser.finish(Purpose::unlock).secrets;
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[0].path, "/x");
  EXPECT_EQ(secrets[0].arguments, (std::vector<std::string>{"a", "exec:/y", ""}));
  EXPECT_TRUE(secrets[1].arguments.empty());

  OptionParser of_key;
  of_key.set_program("volume-key", {"exec:/x", "a"});
  EXPECT_THROW(of_key.set_program("volume-key", {"exec:/x"}), OptionError);
  EXPECT_THROW(of_key.set_program("secret", {"/x", "a"}), OptionError);
}

TEST(ExportOptionsTest, WhatIsReadToItsEndIsReadForOneThingOnly) {
  const auto complaint_of = [](const Parameters& more) {
    Parameters parameters = {{"header", "H"}, {"payload", "P"}};
    parameters.insert(parameters.end(), more.begin(), more.end());
    return complaint(parameters);
  };
  const std::string of_input =
      "a secret reads standard input to its end, so nothing else can be read from it";
  EXPECT_EQ(complaint_of({{"secret", "-"}, {"passphrase", "-"}}), of_input);
  EXPECT_EQ(complaint_of({{"secret", "-"}, {"secret", "fd:0"}}), of_input);
  EXPECT_EQ(complaint_of({{"secret", "fd:0"}, {"passphrase", "-0"}}), of_input);
  EXPECT_EQ(complaint_of({{"secret", "fd:3"}, {"secret", "fd:3"}}),
            "a secret reads file descriptor 3 to its end, so nothing else can be read from it");
  // Lines leave the rest, and these have nothing in common.
  EXPECT_EQ(complaint_of({{"passphrase", "-"}, {"passphrase", "-"}}), "nothing was thrown");
  EXPECT_EQ(complaint_of({{"secret", "-"}, {"secret", "fd:3"}, {"passphrase", "-4"}}),
            "nothing was thrown");
  EXPECT_EQ(complaint_of({{"secret", "S"}, {"secret", "S"}}), "nothing was thrown");
}

TEST(ExportOptionsTest, ItIsKnownWhetherStandardInputIsRead) {
  const auto reads = [](const std::string& key, const std::string& value) {
    return reads_standard_input(parse({{"header", "H"}, {"payload", "P"}, {key, value}}));
  };
  for (const char* value : {"-", "fd:0"}) {
    EXPECT_TRUE(reads("secret", value)) << value;
    EXPECT_TRUE(reads("volume-key", value)) << value;
  }
  for (const char* value : {"-", "-0"}) EXPECT_TRUE(reads("passphrase", value)) << value;
  for (const char* value : {"fd:3", "F", "./-", "exec:/x", "credential:x"}) {
    EXPECT_FALSE(reads("secret", value)) << value;
    EXPECT_FALSE(reads("volume-key", value)) << value;
  }
  EXPECT_FALSE(reads("passphrase", "-3"));
  EXPECT_FALSE(reads("passphrase", "+F"));
}

TEST(ExportOptionsTest, EveryMistakeInAValueHasItsOwnMessage) {
  const std::tuple<std::string, std::string, std::string> table[] = {
      {"header", "", "header= is empty"},
      {"payload", "", "payload= is empty"},
      {"secret", "", "secret= is empty"},
      {"volume-key", "", "volume-key= is empty"},
      {"secret", "fd:",
       "secret=fd:: expected the number of a file descriptor, such as fd:3 (a file of that name is "
       "written ./fd:)"},
      {"secret", "fd:-1",
       "secret=fd:-1: expected the number of a file descriptor, such as fd:3 (a file of that name "
       "is written ./fd:-1)"},
      {"secret", "fd:3x",
       "secret=fd:3x: expected the number of a file descriptor, such as fd:3 (a file of that name "
       "is written ./fd:3x)"},
      {"volume-key", "fd:99999999999",
       "volume-key=fd:99999999999: expected the number of a file descriptor, such as fd:3 (a file "
       "of that name is written ./fd:99999999999)"},
      {"secret", "credential:",
       "secret=credential:: expected the name of a file in $CREDENTIALS_DIRECTORY, without a "
       "folder (a file of that name is written ./credential:)"},
      {"secret", "credential:a/b",
       "secret=credential:a/b: expected the name of a file in $CREDENTIALS_DIRECTORY, without a "
       "folder (a file of that name is written ./credential:a/b)"},
      {"secret", "credential:..",
       "secret=credential:..: expected the name of a file in $CREDENTIALS_DIRECTORY, without a "
       "folder (a file of that name is written ./credential:..)"},
      {"secret", "credential:.",
       "secret=credential:.: expected the name of a file in $CREDENTIALS_DIRECTORY, without a "
       "folder (a file of that name is written ./credential:.)"},
      {"secret", "exec:",
       "secret=exec:: expected the path of a program, such as exec:/usr/bin/ask or exec:./ask: it "
       "is not looked for in PATH (a file of that name is written ./exec:)"},
      {"secret", "exec:ask",
       "secret=exec:ask: expected the path of a program, such as exec:/usr/bin/ask or exec:./ask: "
       "it is not looked for in PATH (a file of that name is written ./exec:ask)"},
      {"secret", "token:1",
       "secret=token:1: nothing comes after token:, every token is tried (keyslot=N tries those of "
       "one key slot) (a file of that name is written ./token:1)"},
      {"volume-key", "token:",
       "volume-key=token: is impossible: a token yields the secret of a key slot, which is "
       "secret=token:"},
      {"secret-offset", "x",
       "secret-offset=x: expected a size in bytes below 2^63, such as 1048576, 1M or 2048s"},
      {"secret-size", "0", "secret-size=0: there is no empty secret"},
      {"secret-size", "-1",
       "secret-size=-1: expected a size in bytes below 2^63, such as 1048576, 1M or 2048s"},
      {"require-luks", "0", "require-luks=0: expected a number from 1 to 2"},
      {"require-uuid", "", "require-uuid= is empty"},
      {"header-sha256", std::string(63, 'a'),
       "header-sha256=" + std::string(63, 'a') +
           ": expected 64 hexadecimal digits, as sha256sum prints them"},
      {"header-sha256", std::string(64, 'g'),
       "header-sha256=" + std::string(64, 'g') +
           ": expected 64 hexadecimal digits, as sha256sum prints them"},
      {"keyslot", "32", "keyslot=32: expected a number from 0 to 31"},
      {"keyslot", "-1", "keyslot=-1: expected a number from 0 to 31"},
      {"keyslot", "", "keyslot=: expected a number from 0 to 31"},
      {"keyslot", "1 ", "keyslot=1 : expected a number from 0 to 31"},
      {"keyslot", "0x1", "keyslot=0x1: expected a number from 0 to 31"},
      {"keyslot", "99999999999999999999",
       "keyslot=99999999999999999999: expected a number from 0 to 31"},
      {"payload-offset", "1", "payload-offset=1: must be a multiple of 512"},
      {"payload-offset", "513", "payload-offset=513: must be a multiple of 512"},
      {"reconnect-timeout", "86401", "reconnect-timeout=86401: expected a number from 0 to 86400"},
      {"lock", "maybe", "lock=maybe: expected true or false"},
      {"lock", "TRUE", "lock=TRUE: expected true or false"},
      {"insecure", "", "insecure=: expected true or false"},
      {"secrets", "x",
       "unknown parameter 'secrets'; nbdkit luksdetached --help lists the parameters"},
      {"", "x", "unknown parameter ''; nbdkit luksdetached --help lists the parameters"},
      {"HEADER", "x",
       "unknown parameter 'HEADER'; nbdkit luksdetached --help lists the parameters"},
  };
  for (const auto& [key, value, message] : table) {
    EXPECT_EQ(complaint_about(key, value), message) << key << "=" << value;
  }
}

TEST(ExportOptionsTest, EveryMissingParameterHasItsOwnMessage) {
  const std::pair<Parameters, const char*> table[] = {
      {{}, "header=URI is missing: where is the LUKS header?"},
      {{{"payload", "P"}, {"secret", "S"}}, "header=URI is missing: where is the LUKS header?"},
      {{{"header", "H"}, {"secret", "S"}},
       "payload=URI is missing: where are the encrypted sectors?"},
      {{{"header", "H"}, {"payload", "P"}},
       "secret=SECRET, passphrase=+FILE or volume-key=SECRET is missing: what unlocks the volume?"},
      {{{"header", "H"}, {"payload", "P"}, {"volume-key", "K"}, {"secret-offset", "1"}},
       "secret-offset= and secret-size= are about secret=, which is not given"},
      {{{"header", "H"}, {"payload", "P"}, {"volume-key", "K"}, {"secret", "S"}},
       "volume-key= takes the place of secret= and passphrase=, which cannot be given too"},
      {{{"header", "H"}, {"payload", "P"}, {"passphrase", "-"}, {"volume-key", "K"}},
       "volume-key= takes the place of secret= and passphrase=, which cannot be given too"},
      {{{"header", "H"}, {"payload", "P"}, {"volume-key", "K"}, {"keyslot", "1"}},
       "keyslot= is about secrets: volume-key= needs no key slot"},
      {{{"header", "H"}, {"payload", "P"}, {"passphrase", "-"}, {"secret-offset", "1"}},
       "secret-offset= and secret-size= are about secret=, which is not given"},
      {{{"header", "H"}, {"payload", "P"}, {"passphrase", "-"}, {"secret-size", "1"}},
       "secret-offset= and secret-size= are about secret=, which is not given"},
  };
  for (const auto& [parameters, message] : table) EXPECT_EQ(complaint(parameters), message);
}

TEST(ExportOptionsTest, OnlyHeaderSecretAndPassphraseMayRepeat) {
  const std::pair<const char*, const char*> values[] = {
      {"payload", "P"}, {"secret-offset", "0"}, {"secret-size", "1"},    {"keyslot", "1"},
      {"lock", "true"}, {"insecure", "false"},  {"payload-offset", "0"}, {"volume-key", "K"},
  };
  for (const auto& [key, value] : values) {
    OptionParser parser;
    parser.set(key, value);
    try {
      parser.set(key, value);
      ADD_FAILURE() << key << " was taken twice";
    } catch (const OptionError& error) {
      EXPECT_EQ(error.what(), std::string(key) + "= is given more than once");
    }
  }
}

TEST(ExportOptionsTest, ALiteralPassphraseIsRefusedAndNeverRepeated) {
  const std::string refused =
      "passphrase= takes +FILE, - (standard input) or -FD (a file descriptor); a passphrase itself "
      "is refused, because others can read it on the command line or in a config file";
  for (const char* literal : {"correct horse", "hunter2", "", "+", " -", "1"}) {
    EXPECT_EQ(complaint_about("passphrase", literal), refused) << literal;
  }
}

TEST(ExportOptionsTest, ADescriptorIsANumber) {
  for (const char* value : {"-x", "-2147483648", "-1x", "--1", "- 1"}) {
    EXPECT_NE(complaint_about("passphrase", value), "nothing was thrown") << value;
  }
}

// A passphrase that happens to begin with a dash is still one.
TEST(ExportOptionsTest, ALiteralPassphraseThatBeginsWithADashIsNotRepeatedEither) {
  EXPECT_EQ(complaint_about("passphrase", "-correct horse").find("correct horse"),
            std::string::npos);
}

TEST(ParseSizeTest, TakesNumbersWithTheSuffixesOfNbdkit) {
  const std::pair<const char*, std::uint64_t> table[] = {
      {"0", 0},
      {"1", 1},
      {"7b", 7},
      {"2048s", 1048576},
      {"1k", 1024},
      {"1K", 1024},
      {"3m", 3U << 20},
      {"3M", 3U << 20},
      {"1g", 1U << 30},
      {"1G", 1U << 30},
      {"2t", std::uint64_t{2} << 40},
      {"2T", std::uint64_t{2} << 40},
      {"1P", std::uint64_t{1} << 50},
      {"7E", std::uint64_t{7} << 60},
      {"9223372036854775807", INT64_MAX},
  };
  for (const auto& [text, bytes] : table) EXPECT_EQ(parse_size("x", text), bytes) << text;
}

TEST(ParseSizeTest, RefusesWhatIsNotASizeBelowTwoToThe63) {
  for (const char* text :
       {"", "k", "1kk", "1 k", " 1", "1.5M", "-1", "+1", "0x10", "1Ki", "8E", "9223372036854775808",
        "9007199254740992k", "18446744073709551616", "1\n"}) {
    EXPECT_THROW(parse_size("x", text), OptionError) << text;
  }
}

TEST(ParseSizeTest, TheComplaintNamesTheParameter) {
  try {
    parse_size("secret-size", "much");
    FAIL();
  } catch (const OptionError& error) {
    EXPECT_STREQ(error.what(),
                 "secret-size=much: expected a size in bytes below 2^63, such as 1048576, 1M or "
                 "2048s");
  }
}

}  // namespace
}  // namespace luksdetached
