#include "source/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "testing.h"

namespace luksdetached {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseUri, TakesTextWithoutKnownSchemeAsPath) {
  for (const char* text : {"/srv/disk.img", "disk", "./nbd:x", "C:disk", "a:b", "no scheme://x",
                           "dir/nbds://x", "NBD:x"}) {
    const Uri uri = parse_uri(text);
    EXPECT_EQ(uri.scheme, Scheme::path) << text;
    EXPECT_EQ(uri.path, text);
    EXPECT_EQ(uri.name, text);
  }
}

TEST(ParseUri, DecodesFileUris) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"file:///srv/disk", "/srv/disk"},       {"file:/srv/disk", "/srv/disk"},
      {"file://localhost/srv/d", "/srv/d"},    {"file:///a%20b%3Fc%23d%25", "/a b?c#d%"},
      {"file:///caf%c3%A9", "/caf\xc3\xa9"},   {"file:////double", "//double"},
      {"file:///user@host/x", "/user@host/x"},
  };
  for (const auto& [text, path] : table) {
    const Uri uri = parse_uri(text);
    EXPECT_EQ(uri.scheme, Scheme::path);
    EXPECT_EQ(uri.path, path) << text;
    EXPECT_EQ(uri.name, path);
  }
}

TEST(ParseUri, RefusesFileUrisThatNameNoLocalFile) {
  for (const char* text : {"file:", "file:relative", "file://", "file://host/x", "file://localhost",
                           "file://u@/x", "file://localhost:80/x", "file:///x?query",
                           "file:///x#fragment", "file:///a%00b", "file:///a%2", "file:///a%zz"}) {
    EXPECT_EQ(error_of([&] { parse_uri(text); }).kind(), ErrorKind::usage) << text;
  }
}

TEST(ParseUri, TellsTheNbdSchemesApart) {
  EXPECT_EQ(parse_uri("nbd://host").scheme, Scheme::nbd);
  EXPECT_EQ(parse_uri("nbds://host:1/e").scheme, Scheme::nbds);
  EXPECT_EQ(parse_uri("nbd+unix:///e?socket=/s").scheme, Scheme::nbd_unix);
  EXPECT_EQ(parse_uri("nbds+unix://u@/e?socket=/s").scheme, Scheme::nbds_unix);
}

TEST(ParseUri, FindsTheTlsParametersDecoded) {
  const Uri uri = parse_uri("nbds://[::1]:1/e?tls-certificates=/a%20b&tls-psk-file=/k");
  EXPECT_EQ(uri.tls_certificates, "/a b");
  EXPECT_EQ(uri.tls_psk_file, "/k");
}

TEST(ParseUri, RefusesWhatLibnbdWouldReadOtherwise) {
  for (const char* text : {
           "nbds:host",                          // no authority
           "nbds:/host",                         //
           "nbds://host#?tls-certificates=/c",   // a parameter in the fragment
           "nbds://host/a#b",                    // an export cut short
           "nbds://host?TLS-Certificates=/c",    // names are in lower case
           "nbds://host?tls%2Dcertificates=/c",  // and written plainly
           "nbds://host?tls-certificates",       // no value
           "nbds://host?tls-certificates=",      //
           "nbds://host?tls-certificates=%00",   // empty for a C string
           "nbds://host?tls-certificates=/c&tls-certificates=/d",
           "nbds://host?tls-certificates=/c&tls-certificates=",
           "nbds://host?tls-certificates=/c;tls-verify-peer=false",
           "nbds://host?x;tls-certificates=/c&y=",
           "nbds://host?tls-certificates=/c&tls-verify-peer=false",
           "nbds://host?&tls-certificates=/c",
           "nbds://host?tls-certificates=/c&",
           "nbds://host?tls-certificates=/%zz",
           "nbds://host/a b",
           "nbds://host/a\nb",
           "nbds://host/caf\xc3\xa9",
           "nbd://host?tls-certificates=/c",  // would be plain all the same
           "nbd://host?socket=/s",
           "nbd+unix:///e",
           "nbd+unix://?socket=",
           "nbd+unix://export?socket=/s",  // the export is taken for a host
           "nbd+unix:///e?socket=/s&socket=/t",
           "nbd+unix:///e?socket=/s&tls-psk-file=/k",
       }) {
    EXPECT_EQ(error_of([&] { parse_uri(text); }).kind(), ErrorKind::usage) << text;
  }
}

// libnbd would cut it to 16 bits.
TEST(ParseUri, RefusesPortsThatAreNone) {
  for (const char* text :
       {"nbd://127.0.0.1:99999/", "nbd://h:0", "nbds://h:65536/?tls-psk-file=/k",
        "nbd://[::1]:65536/e", "nbd://h:x/", "nbd://h:-1/", "nbd://h:4294967297/",
        "http://h:65536/", "https://h:0/", "ssh://h:65536/x", "sftp://h:99999/x"}) {
    const Error error = error_of([&] { parse_uri(text); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
    EXPECT_THAT(error.what(), HasSubstr("from 1 to 65535")) << text;
  }
  for (const char* text : {"nbd://h:1/", "nbds://h:65535/e", "http://h:65535/", "ssh://h:1/x"}) {
    EXPECT_NO_THROW(parse_uri(text)) << text;
  }
}

class CurrentDirectory {
 public:
  explicit CurrentDirectory(const std::string& path) { std::filesystem::current_path(path); }
  CurrentDirectory(const CurrentDirectory&) = delete;
  CurrentDirectory& operator=(const CurrentDirectory&) = delete;
  ~CurrentDirectory() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

TEST(ParseUri, GivesLibnbdAbsolutePathsFromTheCurrentDirectory) {
  const testing::TempDir dir;
  const std::string folder = dir.file("a b%&?");
  std::filesystem::create_directory(folder);
  const CurrentDirectory current(folder);
  const std::string encoded = dir.file("a%20b%25%26%3F/");

  const Uri socket = parse_uri("nbd+unix:///e%20?socket=s%26%25t");
  EXPECT_EQ(socket.socket, folder + "/s&%t");
  EXPECT_EQ(socket.text, "nbd+unix:///e%20?socket=" + encoded + "s%26%25t");
  EXPECT_EQ(socket.name, "nbd+unix:///e%20?socket=…");
  EXPECT_EQ(socket.place, parse_uri(socket.text).place);

  const Uri tls =
      parse_uri("nbds+unix://u@/?tls-psk-file=%6b&socket=./s&tls-certificates=../caf%c3%a9");
  EXPECT_EQ(tls.socket, folder + "/./s");
  EXPECT_EQ(tls.tls_psk_file, folder + "/k");
  EXPECT_EQ(tls.tls_certificates, folder + "/../caf\xc3\xa9");
  EXPECT_EQ(tls.text, "nbds+unix://u@/?tls-psk-file=" + encoded + "%6b&socket=" + encoded +
                          "./s&tls-certificates=" + encoded + "../caf%c3%a9");
  for (const std::string& said : {tls.text, tls.socket, tls.tls_psk_file, tls.tls_certificates}) {
    EXPECT_EQ(scrub(tls, "x " + said), "x …");
  }
}

TEST(ParseUri, LeavesAbsolutePathsAsTheyAre) {
  for (const char* text :
       {"nbd+unix:///?socket=/a%20b", "nbd+unix:///?socket=%2fs", "nbd+unix://?socket=//s/../t",
        "nbds://h?tls-certificates=%2Fc&tls-psk-file=/k=k"}) {
    EXPECT_EQ(parse_uri(text).text, text);
  }
}

TEST(ParseUri, RefusesARelativePathWithoutACurrentDirectory) {
  const testing::TempDir dir;
  const std::string folder = dir.file("gone");
  std::filesystem::create_directory(folder);
  const CurrentDirectory current(folder);
  std::filesystem::remove(folder);
  const Error error = error_of([] { parse_uri("nbd+unix:///?socket=s"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("give an absolute path"));
  EXPECT_NO_THROW(parse_uri("nbd+unix:///?socket=/s"));
}

TEST(ParseUri, TakesVsockAsLibnbdDoes) {
  EXPECT_EQ(parse_uri("nbd+vsock://2/e").scheme, Scheme::nbd_vsock);
  EXPECT_EQ(parse_uri("nbds+vsock://u@4294967295:2147483647/?tls-psk-file=/k").scheme,
            Scheme::nbds_vsock);
  EXPECT_EQ(parse_uri("nbd+vsock://2/a%20b").export_name, "a b");
  for (const char* text : {"nbd+vsock:///e", "nbd+vsock://host/", "nbd+vsock://2:/",
                           "nbd+vsock://2:0/", "nbd+vsock://2:x/", "nbd+vsock://2:2147483648/",
                           "nbd+vsock://4294967296/", "nbd+vsock://-1/", "nbd+vsock://2/?socket=/s",
                           "nbd+vsock://2/?tls-psk-file=/k", "nbd+vsock:2/"}) {
    EXPECT_EQ(error_of([&] { parse_uri(text); }).kind(), ErrorKind::usage) << text;
  }
}

template <typename Source>
Source child(const std::string& text) {
  const Uri uri = parse_uri(text);
  EXPECT_EQ(uri.scheme, Scheme::child) << text;
  return std::get<Source>(uri.child);
}

TEST(ParseUri, TakesWebUrisApart) {
  const auto plain = child<HttpFile>("http://h");
  EXPECT_FALSE(plain.tls || plain.password);
  EXPECT_EQ(plain.url, "http://h");
  const auto tls = child<HttpFile>("https://a%40b:c:d@[::1]:8443/x%20y@z?q=1");
  EXPECT_TRUE(tls.tls);
  EXPECT_EQ(tls.url, "https://[::1]:8443/x%20y@z?q=1");
  EXPECT_EQ(tls.user, "a@b");
  EXPECT_EQ(tls.password, "c:d");
}

TEST(ParseUri, TakesSshUrisApart) {
  const auto file = child<SshFile>("sftp://u:p@[::1]:2222/a%20b?known-hosts=/k%25&identity=/i");
  EXPECT_EQ(file.host, "::1");
  EXPECT_EQ(file.port, "2222");
  EXPECT_EQ(file.user, "u");
  EXPECT_EQ(file.password, "p");
  EXPECT_EQ(file.path, "/a b");
  EXPECT_EQ(file.known_hosts, "/k%");
  EXPECT_EQ(file.identity, "/i");
  EXPECT_FALSE(child<SshFile>("ssh://h/x").password);
  EXPECT_EQ(child<SshFile>("ssh://u:@h/x").password, "");
}

TEST(ParseUri, TakesPluginsOfNbdkitApart) {
  const auto nbdkit = child<NbdkitPlugin>("nbdkit:x-y_2?b=a=%26&a.b_c-D=&b=2");
  EXPECT_EQ(nbdkit.plugin, "x-y_2");
  const std::vector<std::pair<std::string, std::string>> parameters = {
      {"b", "a=&"}, {"a.b_c-D", ""}, {"b", "2"}};
  EXPECT_EQ(nbdkit.parameters, parameters);
  EXPECT_TRUE(child<NbdkitPlugin>("nbdkit:memory?").parameters.empty());
}

TEST(ParseUri, TakesImagesOfQemuApart) {
  for (const char* name : {"/x", ":x", "./a:b", "a/b:c", "/%20?#;,=@", "json/:{}"}) {
    const auto image = child<QemuImage>(std::string("qemu:qcow2:") + name);
    EXPECT_EQ(image.format, "qcow2");
    EXPECT_EQ(image.name, name);
    EXPECT_TRUE(image.local);
  }
  for (const char* name : {"rbd:pool/image", "rbd:pool/image@snap:conf=/etc/c", "nbd:h:10809",
                           "nbd+unix:///e?socket=/s", "https://h/x", "iscsi://h/t/0"}) {
    const auto image = child<QemuImage>(std::string("qemu:raw:") + name);
    EXPECT_EQ(image.name, name);
    EXPECT_FALSE(image.local);
  }
}

TEST(ParseUri, RefusesWhatIsNotForAChildServer) {
  for (const char* text : {
           "http:h/x",
           "http://",
           "http:///x",
           "http://h:/",
           "http://h:0/",
           "http://h:65536/",
           "http://h:1:2/",
           "http://-h/",
           "http://h%2Fx/",
           "http://[x]/",
           "http://[::1/",
           "http://h/a b",
           "http://h/%zz",
           "http://h/%00",
           "http://h/#x",
           "http://:p@h/",
           "http://u:a%0Ab@h/",
           "https://h\n/",
           "ssh://h",
           "ssh://h/",
           "ssh:///x",
           "ssh://h/x?colour=blue",
           "ssh://h/x?identity",
           "ssh://h/x?identity=relative",
           "ssh://h/x?identity=",
           "ssh://h/x?identity=/a&identity=/b",
           "ssh://h/x?Identity=/a",
           "ssh://h/x?identity=/a&",
           "ssh://h/x?config=/etc/x",
           "nbdkit:",
           "nbdkit://x",
           "nbdkit:/x.so",
           "nbdkit:./x",
           "nbdkit:-v",
           "nbdkit:x y",
           "nbdkit:x?a",
           "nbdkit:x?=b",
           "nbdkit:x?1a=b",
           "nbdkit:x?a b=c",
           "nbdkit:x?a=b&",
           "nbdkit:x?a=%zz",
           "nbdkit:x?a=%00",
           "nbdkit:x?a=b#c",
           "nbdkit:x?-v=1",
           "nbdkit:x?%61=b",
           "qemu:",
           "qemu:x",
           "qemu::x",
           "qemu:raw:",
           "qemu:/x",
           "qemu://h/x",
           "qemu:RAW:/x",
           "qemu:raw:json:{}",
           "qemu:raw:blkdebug::/x",
           "qemu:raw:fat:rw:/etc",
           "qemu:raw:nosuch:x",
           "qemu:raw:host_device:/dev/sda",
           "qemu:raw:file:/x",

           "qemu:qcow2:rbd:pool/image",
           "qemu:raw:ssh://u@h/x",
           "qemu:raw:iscsi://u%p@h/t/0",
           "qemu:raw:rbd:p/i:id=a:key=x",
           "qemu:raw:rbd:p/i:\\k\\ey=x",
           "qemu:raw:https://h/x?token=x",
       }) {
    EXPECT_EQ(error_of([&] { parse_uri(text); }).kind(), ErrorKind::usage) << text;
  }
  for (const char* text : {"qemu:vmdk:/x", "qemu:luks:/x", "qemu:blkdebug:/x"}) {
    EXPECT_EQ(error_of([&] { parse_uri(text); }).kind(), ErrorKind::unsupported) << text;
  }
}

TEST(ParseUri, IsNotRepeatedMoreThanOnceByAMessage) {
  const std::string name(600, 'x');
  for (const char* start : {"qemu:", "qemu:raw:", "foo://", "nbdkit:", "nbd://h:"}) {
    const std::string message = error_of([&] { parse_uri(start + name + ":y"); }).what();
    EXPECT_LT(message.size(), 1000) << message;
  }
}

TEST(ParseUri, ListsTheSchemesForAnUnknownOne) {
  const Error error = error_of([] { parse_uri("foo://secret@bar"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("foo://"));
  EXPECT_THAT(error.what(), HasSubstr("nbd+unix://"));
  EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
  EXPECT_EQ(error_of([] { parse_uri("NBDS://host"); }).kind(), ErrorKind::usage);
}

TEST(ParseUri, RefusesEmptyTextAndNul) {
  EXPECT_EQ(error_of([] { parse_uri(""); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([] { parse_uri(std::string_view("/a\0b", 4)); }).kind(), ErrorKind::usage);
}

TEST(UriName, HidesUserInformationAndQueryValues) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"nbd://host:10809/export", "nbd://host:10809/export"},
      {"nbds://u:pw@host:10809/e?tls-certificates=/etc/pki",
       "nbds://…@host:10809/e?tls-certificates=…"},
      {"nbds+unix://u@/e?socket=/s&tls-psk-file=/a@b", "nbds+unix://…@/e?socket=…&tls-psk-file=…"},
      {"nbd://u@v@host/e", "nbd://…@host/e"},
      {"nbd://u%40corp:p@host/e", "nbd://…@host/e"},
      {"nbd://host/e@x", "nbd://…@x"},
      {"nbd+vsock://u@2:1/e", "nbd+vsock://…@2:1/e"},
      {"https://u:p@h:1/x?q=1&r", "https://…@h:1/x?…"},
      {"ssh://u:p@h/x?identity=/i&known-hosts=/k@l", "ssh://…@h/x?identity=…&known-hosts=…"},
      {"nbdkit:curl?url=http://u:p@h/&cookie=x", "nbdkit:curl?url=…&cookie=…"},
      {"nbdkit:memory", "nbdkit:memory"},
      {"qemu:qcow2:/a@b?c", "qemu:qcow2:/a@b?c"},
      {"qemu:raw:rbd:p/i@s:id=x", "qemu:raw:rbd:p/i@s:…"},
      {"qemu:raw:nbd+unix:///e?socket=/s", "qemu:raw:nbd+unix:///e?…"},
  };
  for (const auto& [text, name] : table) EXPECT_EQ(parse_uri(text).name, name);
}

TEST(UriName, LeaksNothingOfWhatIsRefused) {
  for (const char* text : {
           "nbds://user:SECRET@host?bad",
           "nbds://user:SEC/RET@host",
           "nbds://user:1/SECRET@host?bad",
           "nbds://user:S?SECRET@host/e",
           "nbds://user:S#SECRET@host/e",
           "nbds://user:SECRET%40host/e?x",
           "nbds:user:SECRET@host",
           "nbds:/user:SECRET@host",
           "nbds://host?SECRET",
           "nbds://host?password=SECRET",
           "nbds://host?tls-certificates=SECRET;x=y",
           "nbds://host/e#SECRET",
           "nbds://u:p?tls-psk-file=x#SECRET@h",
           "nbd+unix://SECRET@/e",
           "nbd+unix://u:SECRET@h?socket=/s",
           "file://u:SECRET@host/x",
           "https://u:SECRET@host/",
           "foo://u:SECRET@host/",
           "nbds://u:SECRET@host/\n",
           "nbds://host?tls-psk-file=%zzSECRET",
           "file:///x?key=SECRET",
           "nbd+vsock://u:SECRET@x/",
           "http://u:SECRET@h:x/",
           "http://u:S/ECRET@h/",
           "http://u:S?ECRET@h/",
           "http://u:S#ECRET@h/",
           "https://h/x?SECRET",
           "ssh://u:SECRET@h",
           "ssh://h/x?SECRET",
           "ssh://h/x?password=SECRET",
           "nbdkit://u:SECRET@h",
           "nbdkit:curl?SECRET",
           "nbdkit:curl?url=http://u:SECRET@h#x",
           "nbdkit:curl?url=http://u:S#ECRET@h",
           "nbdkit:curl?url=http://u:SECRET@h&user=x",
           "nbdkit:curl?url=http://u:%25zzSECRET@h",
           "nbdkit:x?password=%zzSECRET",
           "nbdkit:x:SECRET@h",
           "qemu:u:SECRET@h",
           "qemu:raw:json:{\"key\":\"SECRET\"}",
           "qemu:raw:ssh://u:SECRET@h/x",
           "qemu:raw:iscsi://u%SECRET@h/x",
           "qemu:raw:rbd:p/i:key=SECRET",
           "qemu:raw:https://h/x?SECRET",
           "qemu:raw:blkverify:SECRET:/x",
       }) {
    try {
      const Uri uri = parse_uri(text);
      EXPECT_THAT(uri.name, Not(HasSubstr("RET"))) << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("RET"))) << text;
    }
  }
}

TEST(UriName, CannotForgeALogLine) {
  EXPECT_EQ(parse_uri("/a\nnbdkit: error\x1b[2J\x7f").name, "/a\\x0anbdkit: error\\x1b[2J\\x7f");
  EXPECT_EQ(parse_uri("file:///a%0Ab").name, "/a\\x0ab");
}

TEST(EscapeControl, KeepsUtf8AndEscapesEverythingElse) {
  EXPECT_EQ(escape_control("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(escape_control("\xc2\x9b"), "\\xc2\\x9b");           // C1 control sequence introducer
  EXPECT_EQ(escape_control("\xc0\x8a"), "\\xc0\\x8a");           // overlong newline
  EXPECT_EQ(escape_control("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");  // line separator
  EXPECT_EQ(escape_control("\xe2\x82"), "\\xe2\\x82");           // cut short
  EXPECT_EQ(escape_control("\xff"), "\\xff");
}

TEST(Scrub, RemovesSecretsRawAndDecoded) {
  const Uri uri =
      parse_uri("nbds://al%69ce:pass%2Fword@host/e?tls-psk-file=/etc/k%20ey&tls-certificates=/c");
  const std::string scrubbed =
      scrub(uri, "open: /etc/k ey /etc/k%20ey: alice, pass/word, al%69ce:pass%2Fword /c\nx");
  for (const char* secret : {"/etc", "ey", "alice", "pass", "word", "al%69", "/c", "\n"}) {
    EXPECT_THAT(scrubbed, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(scrubbed, HasSubstr("open: "));
}

TEST(Scrub, RemovesWhatChildServersAreGiven) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"https://u:a%2Fb@h/x?token=cde", "u:a%2Fb a/b token=cde cde"},
      {"http://u:a:b:c@h/", "a:b:c"},
      {"ssh://us%65r:pass%20word@h/x?identity=/id", "user pass%20word pass word /id"},
      {"nbdkit:curl?url=http://al%2569ce:p%252Fw@h/x&cookie=c%3Dd",
       "http://al%69ce:p%2Fw@h/x http://h/x alice p/w p%2Fw c=d"},
      {"qemu:raw:nbd+unix:///?socket=/s%20t", "nbd+unix:///?socket=/s%20t /s t"},
  };
  for (const auto& [text, said] : table) {
    const std::string scrubbed = scrub(parse_uri(text), said);
    for (const char* secret : {"u:", "a/", "a%2F", "cde", "a:b", "b:c", "user", "pass", "word",
                               "/id", "alice", "al%", "p/w", "p%2Fw", "c=d", "/s", "h/x"}) {
      EXPECT_THAT(scrubbed, Not(HasSubstr(secret))) << text;
    }
  }
}

TEST(Scrub, HidesShortSecretsAsWordsOnly) {
  const Uri uri = parse_uri("nbds://a@host/e?tls-psk-file=/k");
  EXPECT_EQ(scrub(uri, "username a was not found"), "username … was not found");
}

// The mark that stands for what is hidden ends with such a byte.
TEST(Scrub, WhatStandsForASecretIsNotScrubbedItself) {
  const Uri uri = parse_uri("nbdkit:x?key=secret&other=\xa6");
  EXPECT_EQ(scrub(uri, "secret, \xa6"), "…, …");
}

TEST(TlsPolicy, RefusesServersThatNobodyVerifies) {
  for (const char* text : {"nbds://host/e", "nbds+unix:///e?socket=/s",
                           "nbds+unix:///e?socket=/s&tls-certificates=/etc", "nbds+vsock://2/",
                           "nbds+vsock://2/?tls-certificates=/etc"}) {
    const Uri uri = parse_uri(text);
    const Error error = error_of([&] { check_tls_policy(uri, false); });
    EXPECT_EQ(error.kind(), ErrorKind::policy) << text;
    EXPECT_THAT(error.what(), HasSubstr("insecure=true"));
    EXPECT_THAT(error.what(), HasSubstr("tls-psk-file="));
    EXPECT_NO_THROW(check_tls_policy(uri, true));
  }
}

TEST(TlsPolicy, RefusesADirectoryWithoutAuthority) {
  const testing::TempDir dir;
  const Uri uri = parse_uri("nbds://host/e?tls-certificates=" + dir.file("."));
  const Error error = error_of([&] { check_tls_policy(uri, false); });
  EXPECT_EQ(error.kind(), ErrorKind::policy);
  EXPECT_THAT(error.what(), HasSubstr("ca-cert.pem"));
  EXPECT_THAT(error.what(), Not(HasSubstr(dir.file("."))));
  std::ofstream(dir.file("ca-cert.pem")) << "authority";
  EXPECT_NO_THROW(check_tls_policy(uri, false));
}

TEST(TlsPolicy, AllowsKeysAndPlainConnections) {
  for (const char* text :
       {"nbd://host/e", "nbd+unix:///e?socket=/s", "/file", "nbds://host/e?tls-psk-file=/k",
        "nbds+unix:///e?socket=/s&tls-psk-file=/k", "nbd+vsock://2/", "http://h/",
        "nbds+vsock://2/?tls-psk-file=/k"}) {
    EXPECT_NO_THROW(check_tls_policy(parse_uri(text), false)) << text;
  }
}

// ---- places ----

TEST(Uri, SpellingsOfOnePlaceHaveTheSamePlace) {
  const std::vector<std::vector<std::string>> places = {
      {"/p", "//x/../p", "/./p", "/p/", "file:///p", "file:/p", "file://localhost/p",
       "file:///%70"},
      {"/q", "file:///q"},
      {"/%70"},
      {"nbd://h/x", "nbd://H:10809/x", "nbd://h/%78", "nbds://u@h/x"},
      {"nbd://h:10810/x"},
      {"nbd://h/y"},
      {"nbd://h", "nbd://h/", "nbd://h:10809"},
      {"nbd://[::1]/x", "nbd://[::1]:10809/x"},
      {"nbd+unix:///x?socket=/s", "nbd+unix:///x?socket=/%73", "nbds+unix:///%78?socket=/s",
       "nbd+unix:///x?socket=//s", "nbd+unix:///x?socket=/./a/../s"},
      {"nbd+unix:///?socket=/s", "nbd+unix://?socket=/s"},
      {"nbd+vsock://2/x", "nbd+vsock://02:10809/%78", "nbds+vsock://u@2/x"},
      {"nbd+vsock://2:1/x"},
      {"http://h/x", "http://H:80/%78", "http://u:p@h/x"},
      {"https://h/x", "https://h:443/x"},
      {"http://h/x?y"},
      {"ssh://h/x", "sftp://u@H:22/a/../x?identity=/i"},
      {"nbdkit:memory?size=1", "nbdkit:memory?size=%31"},
      {"nbdkit:memory?size=2"},
      {"/image", "qemu:raw:/image", "qemu:qcow2://image"},
      {"qemu:raw:rbd:p/i"},
  };
  for (const auto& spellings : places) {
    for (const std::string& text : spellings) {
      for (const auto& others : places) {
        const bool same = &others == &spellings;
        EXPECT_EQ(parse_uri(others.front()).place == parse_uri(text).place, same)
            << others.front() << " " << text;
      }
    }
  }
}

}  // namespace
}  // namespace luksdetached
