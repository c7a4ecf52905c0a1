#include "source/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
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

TEST(ParseUri, NamesTheSchemesOfLaterVersions) {
  for (const char* scheme :
       {"nbd+vsock", "nbds+vsock", "http", "https", "ssh", "sftp", "nbdkit", "qemu"}) {
    const Error error = error_of([&] { parse_uri(std::string(scheme) + "://secret@x"); });
    EXPECT_EQ(error.kind(), ErrorKind::unsupported) << scheme;
    EXPECT_THAT(error.what(), HasSubstr(std::string(scheme) + ":"));
    EXPECT_THAT(error.what(), HasSubstr("nbds+unix://"));
    EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
  }
  EXPECT_EQ(error_of([] { parse_uri("qemu:qcow2:/x"); }).kind(), ErrorKind::unsupported);
  EXPECT_EQ(error_of([] { parse_uri("nbdkit:memory?size=1"); }).kind(), ErrorKind::unsupported);
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

TEST(Scrub, HidesShortSecretsAsWordsOnly) {
  const Uri uri = parse_uri("nbds://a@host/e?tls-psk-file=/k");
  EXPECT_EQ(scrub(uri, "username a was not found"), "username … was not found");
}

TEST(TlsPolicy, RefusesServersThatNobodyVerifies) {
  for (const char* text : {"nbds://host/e", "nbds+unix:///e?socket=/s",
                           "nbds+unix:///e?socket=/s&tls-certificates=/etc"}) {
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
        "nbds+unix:///e?socket=/s&tls-psk-file=/k"}) {
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
