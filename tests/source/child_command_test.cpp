#include "source/child_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing.h"

namespace luksdetached {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ChildServerCommand command(const std::string& uri, Access access = Access::read_write,
                           bool insecure = false) {
  return child_server_command(parse_uri(uri), access, insecure, 4);
}

TEST(ChildCommand, AWebServerIsReadByTheCurlPlugin) {
  const ChildServerCommand plain = command("http://h:8080/a%20b");
  EXPECT_THAT(plain.arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly", "curl",
                          "url=http://h:8080/a%20b", "protocols=http,https"));
  EXPECT_THAT(plain.credentials, IsEmpty());
  EXPECT_EQ(plain.package, "nbdkit");

  const ChildServerCommand tls = command("https://al%69ce:p%40ss%3Aw%2Fr%25d@[::1]/x");
  EXPECT_THAT(tls.arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly", "curl",
                          "url=https://[::1]/x", "protocols=https", "user=alice", "password=-4"));
  EXPECT_THAT(tls.credentials, ElementsAre("p@ss:w/r%d"));
}

TEST(ChildCommand, AnSshServerIsReachedByTheSshPlugin) {
  const ChildServerCommand all =
      command("ssh://u:p%25@[fe80::1]:22/a%20b?identity=/k%25h&known-hosts=/100%25");
  EXPECT_THAT(all.arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "ssh", "host=fe80::1",
                          "port=22", "user=u", "password=-4", "path=/a b",
                          "config=", "identity=/k%%h", "known-hosts=/100%%"));
  EXPECT_THAT(all.credentials, ElementsAre("p%"));
  EXPECT_THAT(command("sftp://h/x", Access::read_only).arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly", "ssh", "host=h",
                          "path=/x", "config="));
}

TEST(ChildCommand, APluginGetsItsParametersInOrder) {
  EXPECT_THAT(command("nbdkit:memory").arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "memory"));
  EXPECT_THAT(command("nbdkit:x-y_1?b=1&a=x%26y%3D%25&b=&c.d=+f", Access::read_only).arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly", "x-y_1", "b=1",
                          "a=x&y=%", "b=", "c.d=+f"));
}

TEST(ChildCommand, CredentialsOfAPluginGoByDescriptor) {
  const ChildServerCommand by_fd = command(
      "nbdkit:curl?url=https%3A%2F%2Fh/x&password=S1&proxy-password=S2&cookie=a%3DS3&user=u");
  EXPECT_THAT(by_fd.arguments, ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly",
                                           "curl", "url=https://h/x", "password=-4",
                                           "proxy-password=-5", "cookie=-6", "user=u"));
  EXPECT_THAT(by_fd.credentials, ElementsAre("S1", "S2", "a=S3"));

  const ChildServerCommand by_file = command("nbdkit:ssh?host=h&path=/x&password=%2B/etc/pw");
  EXPECT_THAT(by_file.arguments, Contains("password=+/etc/pw"));
  EXPECT_THAT(by_file.credentials, IsEmpty());
}

TEST(ChildCommand, UserInformationInTheUrlOfTheCurlPluginGoesByDescriptor) {
  const ChildServerCommand moved =
      command("nbdkit:curl?url=http://al%2569ce:p%2540ss@h:1/x&cainfo=/ca.pem");
  EXPECT_THAT(moved.arguments,
              ElementsAre("nbdkit", "--foreground", "--log=stderr", "--readonly", "curl",
                          "url=http://h:1/x", "cainfo=/ca.pem", "user=alice", "password=-4"));
  EXPECT_THAT(moved.credentials, ElementsAre("p@ss"));
  EXPECT_EQ(error_of([] { command("nbdkit:curl?url=http://u:p@h/x&user=v"); }).kind(),
            ErrorKind::usage);
}

TEST(ChildCommand, WhatWouldShowACredentialIsRefused) {
  for (const char* text : {
           "https://h/x?token=SECRET",
           "nbdkit:curl?url=https://h/x%3Ftoken=SECRET",
           "nbdkit:curl?url=https://h/x&header=Authorization:%20SECRET",
           "nbdkit:curl?url=https://h/x&proxy=http://u:SECRET@p",
           "nbdkit:python?script=/s&token=SECRET",
           "nbdkit:x?Secret-access-key=SECRET",
           "nbdkit:x?my-passphrase=SECRET",
           "nbdkit:x?url=ftp://u:SECRET@h",
       }) {
    const Error error = error_of([&] { command(text); });
    EXPECT_EQ(error.kind(), ErrorKind::policy) << text;
    EXPECT_THAT(error.what(), HasSubstr("insecure=true"));
    EXPECT_THAT(error.what(), Not(HasSubstr("SECRET")));
    EXPECT_NO_THROW(command(text, Access::read_write, true)) << text;
  }
  for (const char* text :
       {"nbdkit:x?password=-SECRET", "nbdkit:x?password=-", "nbdkit:x?password=a%0ASECRET",
        "nbdkit:curl?url=http://u:S%23SECRET@h"}) {
    for (const bool insecure : {false, true}) {
      const Error error = error_of([&] { command(text, Access::read_only, insecure); });
      EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
      EXPECT_THAT(error.what(), Not(HasSubstr("SECRET")));
    }
  }
}

TEST(ChildCommand, NoCredentialIsAnArgument) {
  for (const char* text : {
           "http://u:SECRET@h/x",
           "https://u:%53ECRET@h/x",
           "ssh://u:SECRET@h/x",
           "nbdkit:ssh?host=h&path=/x&password=SECRET",
           "nbdkit:curl?url=http://u:SECRET@h/x",
           "nbdkit:curl?url=http%3A%2F%2Fu%3ASECRET%40h%2Fx",
           "nbdkit:vddk?password=SECRET",
       }) {
    const ChildServerCommand made = command(text);
    EXPECT_THAT(made.credentials, ElementsAre("SECRET")) << text;
    for (const std::string& argument : made.arguments) {
      EXPECT_THAT(argument, Not(HasSubstr("ECRET"))) << text;
    }
  }
}

TEST(ChildCommand, ALocalImageIsOpenedWithoutItsBackingFile) {
  const ChildServerCommand made = command(R"(qemu:qcow2:/a b,c:"d\)");
  EXPECT_THAT(
      made.arguments,
      ElementsAre("qemu-nbd", "--persistent", "--shared=4", "--discard=unmap",
                  R"(json:{"backing":null,"driver":"qcow2","file":{"filename":"/a b,c:\"d\\"}})"));
  EXPECT_THAT(made.inspect,
              ElementsAre("qemu-img", "info", "--output=json", "--force-share",
                          R"(json:{"driver":"qcow2","file":{"filename":"/a b,c:\"d\\"}})"));
  EXPECT_EQ(made.package, "qemu-utils");

  const ChildServerCommand raw = command("qemu:raw:/x", Access::read_only);
  EXPECT_THAT(raw.arguments,
              ElementsAre("qemu-nbd", "--persistent", "--shared=4", "--discard=unmap",
                          "--read-only", R"(json:{"driver":"raw","file":{"filename":"/x"}})"));
  EXPECT_THAT(raw.inspect, IsEmpty());
  EXPECT_EQ(error_of([] { command("qemu:raw:/caf\xe9"); }).kind(), ErrorKind::usage);
}

TEST(ChildCommand, AnImageOnAServerIsNamedAsQemuNamesIt) {
  EXPECT_THAT(command("qemu:raw:rbd:pool/image").arguments,
              ElementsAre("qemu-nbd", "--persistent", "--shared=4", "--discard=unmap",
                          "--format=raw", "rbd:pool/image"));
}

TEST(RefersTo, FindsBackingAndDataFiles) {
  EXPECT_EQ(refers_to(R"({"format":"qcow2","format-specific":{"type":"qcow2","data":{}}})"), "");
  EXPECT_EQ(refers_to(R"({"backing-filename":"x"})"), "a backing file");
  EXPECT_EQ(refers_to(R"({"full-backing-filename":"x"})"), "a backing file");
  EXPECT_EQ(refers_to(R"({"format-specific":{"data":{"data-file":"x"}}})"), "a data file");
  for (const char* text : {"", "[]", "{", "null", "1"}) {
    EXPECT_EQ(error_of([&] { refers_to(text); }).kind(), ErrorKind::source_unreachable) << text;
  }
}

TEST(ChildServerAdvice, NamesThePackageOfWhatIsMissing) {
  const auto missing = [](const std::string& plugin) {
    return child_server_advice("nbdkit: error: cannot open plugin '" + plugin + "': /x.so: cannot");
  };
  EXPECT_THAT(missing("curl"), HasSubstr("package nbdkit,"));
  EXPECT_THAT(missing("python"), HasSubstr("package nbdkit-plugin-python,"));
  EXPECT_THAT(child_server_advice(
                  "nbdkit: error: cannot open plugin \"/lib/nbdkit-perl-plugin.so\": /lib/nbdkit"),
              HasSubstr("no plugin perl here; on Debian it is in the package nbdkit-plugin-perl,"));
  EXPECT_THAT(
      child_server_advice("qemu-nbd: Failed to blk_new_open 'rbd:a/b': Unknown protocol 'rbd'"),
      HasSubstr("package qemu-block-extra,"));
  EXPECT_EQ(child_server_advice("nbdkit: curl[1]: error: 404"), "");
}

TEST(ChildServerAdvice, SaysWhatServesWhatQemuCannotWrite) {
  EXPECT_THAT(
      child_server_advice(
          "qemu-nbd: Failed to blk_new_open 'http://h/x': curl driver does not support writes"),
      HasSubstr("readonly=true"));
}

}  // namespace
}  // namespace luksdetached
