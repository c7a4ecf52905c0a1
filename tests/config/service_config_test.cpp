#include "config/service_config.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "source/uri.h"

namespace luksdetached {
namespace {

const std::string good_service = "[service]\nlisten = [\"unix:/run/nbd.sock\"]\n";
const std::string good_export =
    "[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\"\n";

// `line` is the third of [service].
std::string in_service(const std::string& line) {
  return good_service + line + "\n" + good_export;
}

// `text` in place of the second line, which says where to listen.
std::string listening(const std::string& text) {
  return "[service]\nlisten = " + text + "\n" + good_export;
}

// `line` is the eighth of the file, the last of the export.
std::string in_export(const std::string& line) {
  return good_service + good_export + line + "\n";
}

// An export whose secret, in line 7, is `value`.
std::string with_secret(const std::string& value) {
  return good_service +
         "[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = " + value + "\n";
}

// An export whose only lines are `lines`; they begin at line 4.
std::string only_export(const std::string& lines) {
  return good_service + "[[export]]\n" + lines + "\n";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

const UriReader read_uri = [](std::string_view uri) { return parse_uri(uri).place; };

// What is said of `text` under the name F, or "good".
std::string complaint(const std::string& text) {
  try {
    parse_config(text, "F", read_uri);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "good";
}

// ---- mistakes ----

struct Mistaken {
  std::string text;
  std::string complaint;
};

// A sentence for GoogleTest to name the case by.
std::ostream& operator<<(std::ostream& out, const Mistaken& mistaken) {
  return out << mistaken.complaint;
}

class ServiceConfigMistakes : public ::testing::TestWithParam<Mistaken> {};

TEST_P(ServiceConfigMistakes, AreSaidWithLineAndColumn) {
  EXPECT_EQ(complaint(GetParam().text), GetParam().complaint) << GetParam().text;
}

const std::string service_keys =
    " in [service] (known: default, filter-parameters, filters, group, insecure, listen, metrics, "
    "status, threads, tls, tls-certificates, tls-psk, tls-verify-peer, user)";
const std::string listeners = "unix:/PATH, tcp:HOST:PORT, vsock:PORT, systemd or systemd:NAME";
const std::string export_keys =
    " in [[export]] number 1 (known: allow-gid, allow-subject, allow-uid, description, discard, "
    "header, header-sha256, insecure, kdf-iterations-max, kdf-memory-max, keyslot, list, lock, "
    "max-clients, name, passphrase, payload, payload-offset, readonly, reconnect-timeout, "
    "require-cipher, require-luks, require-uuid, secret, secret-offset, secret-size, volume-key)";
const std::string beyond_loopback =
    "a TCP listener beyond loopback needs tls = \"require\" with tls-verify-peer = true or "
    "tls-psk, or insecure = true";

INSTANTIATE_TEST_SUITE_P(
    Syntax, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{"[service", "F:1:9: Error while parsing table header: encountered end-of-file"},
        Mistaken{"a = ", "F:1:5: Error while parsing key-value pair: encountered end-of-file"},
        Mistaken{
            in_service("threads = 8x"),
            "F:3:12: Error while parsing decimal integer: expected digit, saw 'x'; a number with "
            "a unit needs quotes, as in \"16M\""},
        Mistaken{
            in_service("status = \"/run/x"),
            "F:3:17: Error while parsing string: unescaped control characters other than TAB "
            "(U+0009) are explicitly prohibited; a string needs its closing quote, on the same "
            "line if it has one quote"},
        Mistaken{in_service("tls = off"),
                 "F:3:7: Error while parsing value: could not determine value type; a text needs "
                 "quotes, true and false have none and are in lower case"},
        Mistaken{in_service("listen = []"),
                 "F:3:10: Error while parsing key-value pair: cannot redefine existing array "
                 "'listen'"},
        Mistaken{good_service + good_service + good_export,
                 "F:3:1: Error while parsing table header: cannot redefine existing table "
                 "'service'"},
        Mistaken{in_service("x = \"\\q\""),
                 "F:3:7: Error while parsing string: unknown escape sequence '\\q'"},
        Mistaken{in_service("x = \"\xff\""),
                 "F:3:6: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{in_service(std::string("x = \"\0\"", 7)),
                 "F:3:6: Error while parsing string: unescaped control characters other than TAB "
                 "(U+0009) are explicitly prohibited"}));

INSTANTIATE_TEST_SUITE_P(
    File, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{"", "F:1:1: [service] is missing\nF:1:1: there is no [[export]]"},
        Mistaken{good_export, "F:1:1: [service] is missing"},
        Mistaken{good_service, "F:1:1: there is no [[export]]"},
        Mistaken{"service = 1\n" + good_export,
                 "F:1:11: service must be a table, written [service]"},
        Mistaken{"[[service]]\n" + good_export,
                 "F:1:1: service must be a table, written [service]"},
        Mistaken{good_service + "[export]\nname = \"a\"\n",
                 "F:3:1: export must be written [[export]], with two brackets"},
        Mistaken{"export = []\n" + good_service,
                 "F:1:10: export must be written [[export]], with two brackets"},
        Mistaken{"export = [1]\n" + good_service,
                 "F:1:10: export must be written [[export]], with two brackets"},
        Mistaken{"exports = 1\n" + good_service + good_export,
                 "F:1:1: unknown key 'exports' in the file (known: export, service); did you mean "
                 "export?"},
        Mistaken{"\"\\u001b[31m\\n\" = 1\n" + good_service + good_export,
                 "F:1:1: unknown key '?[31m?' in the file (known: export, service)"}));

INSTANTIATE_TEST_SUITE_P(
    Service, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{"[service]\n" + good_export, "F:1:1: listen is missing in [service]"},
        Mistaken{listening("\"unix:/run/nbd.sock\""),
                 "F:2:10: listen in [service] must be an array of strings or tables, not a string"},
        Mistaken{listening("[]"), "F:2:10: listen in [service] is an empty array"},
        Mistaken{
            listening("[10809]"),
            "F:2:11: listen in [service] must be an array of strings or tables, not an integer"},
        Mistaken{listening("[\"/run/nbd.sock\"]"),
                 "F:2:11: listener '/run/nbd.sock' is not understood: expected " + listeners},
        Mistaken{listening("[\"" + repeated("é", 100) + "\"]"),
                 "F:2:11: listener '" + repeated("é", 40) + "…' is not understood: expected " +
                     listeners},
        Mistaken{listening("[\"unix:nbd.sock\"]"),
                 "F:2:11: listen in [service] must be an absolute path"},
        Mistaken{listening("[\"unix:/" + std::string(107, 'x') + "\"]"),
                 "F:2:11: listen in [service] is longer than 107 bytes, which is all that a unix "
                 "socket can have"},
        Mistaken{listening("[\"tcp:127.0.0.1\"]"),
                 "F:2:11: listener 'tcp:127.0.0.1' needs HOST:PORT, with a port from 1 to 65535"},
        Mistaken{listening("[\"tcp:127.0.0.1:0\"]"),
                 "F:2:11: listener 'tcp:127.0.0.1:0' needs HOST:PORT, with a port from 1 to 65535"},
        Mistaken{
            listening("[\"tcp:127.0.0.1:65536\"]"),
            "F:2:11: listener 'tcp:127.0.0.1:65536' needs HOST:PORT, with a port from 1 to 65535"},
        Mistaken{
            listening("[\"tcp:127.0.0.1:10809x\"]"),
            "F:2:11: listener 'tcp:127.0.0.1:10809x' needs HOST:PORT, with a port from 1 to 65535"},
        Mistaken{listening("[\"tcp::10809\"]"),
                 "F:2:11: listener 'tcp::10809' has no host; all addresses are written "
                 "tcp:0.0.0.0:PORT or tcp:[::]:PORT"},
        Mistaken{listening("[\"tcp:-r:10809\"]"),
                 "F:2:11: listener 'tcp:-r:10809' has no host; all addresses are written "
                 "tcp:0.0.0.0:PORT or tcp:[::]:PORT"},
        Mistaken{listening("[\"tcp:::1:10809\"]"),
                 "F:2:11: listener 'tcp:::1:10809': an IPv6 address is written in brackets, "
                 "tcp:[::1]:10809"},
        Mistaken{in_service("status = 1"),
                 "F:3:10: status in [service] must be a string, not an integer"},
        Mistaken{in_service("status = \"status.sock\""),
                 "F:3:10: status in [service] must be an absolute path"},
        Mistaken{in_service("status = \"\""),
                 "F:3:10: status in [service] must be an absolute path"},
        Mistaken{in_service("status = \"/" + std::string(107, 'x') + "\""),
                 "F:3:10: status in [service] is longer than 107 bytes, which is all that a unix "
                 "socket can have"},
        Mistaken{in_service("status = \"/run/nbd.sock\""),
                 "F:3:10: status and listen in [service] are the same socket"},
        Mistaken{in_service("threads = 0"), "F:3:11: threads in [service] must be from 1 to 256"},
        Mistaken{in_service("threads = 257"), "F:3:11: threads in [service] must be from 1 to 256"},
        Mistaken{in_service("threads = -1"), "F:3:11: threads in [service] must be from 1 to 256"},
        Mistaken{in_service("threads = 8.0"),
                 "F:3:11: threads in [service] must be an integer, not a number with a fraction"},
        Mistaken{in_service("insecure = 1"),
                 "F:3:12: insecure in [service] must be true or false, not an integer"},
        Mistaken{in_service("insecure = \"true\""),
                 "F:3:12: insecure in [service] must be true or false, not a string"},
        Mistaken{in_service("default = 1979-05-27"),
                 "F:3:11: default in [service] must be a string, not a date or time"},
        Mistaken{in_service("default = \"\""), "F:3:11: default in [service] is empty"},
        Mistaken{in_service("default = \"b\""),
                 "F:3:11: default in [service] is 'b', but no export has that name"},
        Mistaken{in_service("thread = 8"),
                 "F:3:1: unknown key 'thread'" + service_keys + "; did you mean threads?"},
        Mistaken{in_service("tls.mode = \"on\""),
                 "F:3:1: tls in [service] must be \"off\", \"on\" or \"require\", not a table"},
        Mistaken{in_service("tls = \"yes\""),
                 "F:3:7: tls in [service] must be \"off\", \"on\" or \"require\", not \"yes\""},
        Mistaken{in_service("tls = \"require\""),
                 "F:3:7: tls in [service] needs tls-certificates or tls-psk"},
        Mistaken{in_service("tls-certificates = \"/pki\""),
                 "F:3:20: tls-certificates in [service] needs tls = \"on\" or \"require\""},
        Mistaken{in_service("tls-psk = \"/psk\""),
                 "F:3:11: tls-psk in [service] needs tls = \"on\" or \"require\""},
        Mistaken{in_service("tls-verify-peer = true"),
                 "F:3:19: tls-verify-peer in [service] needs tls = \"on\" or \"require\""},
        Mistaken{in_service("tls = \"on\"\ntls-certificates = \"pki\""),
                 "F:4:20: tls-certificates in [service] must be an absolute path"},
        Mistaken{in_service("tls = \"on\"\ntls-certificates = \"/pki\"\ntls-psk = \"/psk\""),
                 "F:5:11: tls-psk and tls-certificates in [service] exclude each other"},
        Mistaken{in_service("tls = \"on\"\ntls-psk = \"/psk\"\ntls-verify-peer = true"),
                 "F:5:19: tls-verify-peer in [service] is about certificates; tls-psk always "
                 "verifies"},
        Mistaken{listening("[\"tcp:0.0.0.0:10809\"]"), "F:2:11: " + beyond_loopback},
        Mistaken{listening("[\"tcp:[::]:10809\"]"), "F:2:11: " + beyond_loopback},
        Mistaken{listening("[\"tcp:127.example.com:10809\"]"), "F:2:11: " + beyond_loopback},
        Mistaken{listening("[\"tcp:0.0.0.0:10809\"]\ntls = \"require\"\ntls-certificates = "
                           "\"/pki\""),
                 "F:2:11: " + beyond_loopback},
        Mistaken{listening("[\"tcp:0.0.0.0:10809\"]\ntls = \"on\"\ntls-psk = \"/psk\""),
                 "F:2:11: " + beyond_loopback}));

const std::string twice = "listen in [service] has this listener already";
const std::string vsock_is_remote =
    "a vsock listener needs tls = \"require\" with tls-verify-peer = true or tls-psk, or insecure "
    "= "
    "true";

INSTANTIATE_TEST_SUITE_P(
    Listeners, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{listening("[\"unix:/a\", \"unix:b\", 1, \"tcp:h\"]"),
                 "F:2:22: listen in [service] must be an absolute path\n"
                 "F:2:32: listen in [service] must be an array of strings or tables, not an "
                 "integer\n"
                 "F:2:35: listener 'tcp:h' needs HOST:PORT, with a port from 1 to 65535"},
        Mistaken{listening("[\"unix:/a\", {address = \"unix:/a\", mode = 0o660}]"),
                 "F:2:33: " + twice},
        Mistaken{listening("[\"tcp:[::1]:1\", \"unix:/a\", \"tcp:[::1]:1\"]"), "F:2:37: " + twice},
        Mistaken{listening("[\"vsock:1\", \"vsock:1\"]\ninsecure = true"), "F:2:22: " + twice},
        Mistaken{listening("[\"systemd:a\", \"systemd:a\"]"), "F:2:24: " + twice},
        Mistaken{listening("[\"systemd:a\", \"systemd\"]"), "F:2:24: " + twice},
        Mistaken{listening("[\"systemd:\"]"),
                 "F:2:11: listener 'systemd:' is not understood: expected " + listeners},
        Mistaken{listening("[\"systemdx\"]"),
                 "F:2:11: listener 'systemdx' is not understood: expected " + listeners},
        Mistaken{listening("[\"unix:/a\", \"vsock:1\"]"), "F:2:22: " + vsock_is_remote},
        Mistaken{listening("[\"unix:/a\", \"tcp:[::]:1\"]"), "F:2:22: " + beyond_loopback},
        Mistaken{listening("[\"vsock:4294967295\"]"),
                 "F:2:11: listener 'vsock:4294967295' needs a port from 0 to 4294967294 after "
                 "vsock:"},
        Mistaken{listening("[\"vsock:\"]"),
                 "F:2:11: listener 'vsock:' needs a port from 0 to 4294967294 after vsock:"},
        Mistaken{listening("[{mode = 0o660}]"),
                 "F:2:11: address is missing in listen of [service]"},
        Mistaken{listening("[{address = 1}]"),
                 "F:2:22: address in listen of [service] must be a string, not an integer"},
        Mistaken{listening("[{address = \"unix:a\"}]"),
                 "F:2:22: listen in [service] must be an absolute path"},
        Mistaken{listening("[{address = \"unix:/a\", port = 1}]"),
                 "F:2:33: unknown key 'port' in listen of [service] (known: address, group, mode, "
                 "owner)"},
        Mistaken{listening("[{address = \"unix:/a\", mode = 660}]"),
                 "F:2:40: mode in listen of [service] must be from 0o000 to 0o777; it is written "
                 "with 0o, such as 0o660"},
        Mistaken{listening("[{address = \"unix:/a\", mode = -1}]"),
                 "F:2:40: mode in listen of [service] must be from 0o000 to 0o777; it is written "
                 "with 0o, such as 0o660"},
        Mistaken{
            listening("[{address = \"unix:/a\", mode = \"0660\"}]"),
            "F:2:40: mode in listen of [service] must be an integer such as 0o660, not a string"},
        Mistaken{listening("[{address = \"unix:/a\", owner = 1000}]"),
                 "F:2:41: owner in listen of [service] must be a string, not an integer"},
        Mistaken{listening("[{address = \"unix:/a\", owner = \"\"}]"),
                 "F:2:41: owner in listen of [service] is empty"},
        Mistaken{listening("[{address = \"systemd\", mode = 0o660, group = \"g\"}]"),
                 "F:2:40: mode in listen of [service] is for unix sockets only\n"
                 "F:2:55: group in listen of [service] is for unix sockets only"},
        Mistaken{listening("[\"unix:/a\", {address = \"unix:/s\"}]\nstatus = \"/s\""),
                 "F:3:10: status and listen in [service] are the same socket"}));

INSTANTIATE_TEST_SUITE_P(
    UserAndFilters, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_service("user = 1000"),
                 "F:3:8: user in [service] must be a string, not an integer"},
        Mistaken{in_service("user = \"\""), "F:3:8: user in [service] is empty"},
        Mistaken{in_service("group = \"g\""), "F:3:9: group in [service] needs user"},
        Mistaken{in_service("filters = \"rate\""),
                 "F:3:11: filters in [service] must be an array of strings, not a string"},
        Mistaken{in_service("filters = [\"log\", 1]"),
                 "F:3:19: filters in [service] must be an array of strings, not an integer"},
        Mistaken{
            in_service("filters = [\"../x\"]"),
            "F:3:12: filter '../x' in [service] must be a name of small letters, digits and -, "
            "such as \"rate\""},
        Mistaken{in_service("filters = [\"\"]"),
                 "F:3:12: filter '' in [service] must be a name of small letters, digits and -, "
                 "such as \"rate\""},
        Mistaken{
            in_service("filters = [\"rate\", \"cow\"]"),
            "F:3:20: filter 'cow' in [service] is refused: it keeps decrypted data in one file "
            "on disk for all exports together, and mixes them up"},
        Mistaken{in_service("filters = [\"cacheextents\"]"),
                 "F:3:12: filter 'cacheextents' in [service] is refused: what it remembers of one "
                 "export it tells of the others"},
        Mistaken{in_service("filters = [\"luks\"]"),
                 "F:3:12: filter 'luks' in [service] is refused: its passphrase would be on "
                 "nbdkit's command line, which every user can read"},
        Mistaken{in_service("filters = [\"blocksize\"]"),
                 "F:3:12: filter 'blocksize' in [service] is refused: older versions of it end "
                 "nbdkit, with all exports, when a client asks for holes in a certain way"},
        Mistaken{in_service("filters = [\"fua\"]\nfilter-parameters = { fuamode = \"discard\" }"),
                 "F:4:33: filter-parameters in [service]: fuamode = \"discard\" is refused: what "
                 "clients were told is durable would not be"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = { header = \"/h\" }"),
                 "F:4:23: filter-parameters in [service]: header is the plugin's own parameter"},
        Mistaken{in_service("filters = [\"retry\"]"),
                 "F:3:12: filter 'retry' in [service] is refused: it repeats a flush that failed, "
                 "and the second one succeeds although data was lost"},
        Mistaken{in_service("filter-parameters = {rate = \"1M\"}"),
                 "F:3:21: filter-parameters in [service] needs filters"},
        Mistaken{in_service("filters = []\nfilter-parameters = {rate = \"1M\"}"),
                 "F:4:21: filter-parameters in [service] needs filters"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = [\"rate=1M\"]"),
                 "F:4:21: filter-parameters in [service] must be a table, not an array"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = {config = \"/x\"}"),
                 "F:4:22: filter-parameters in [service]: config is the plugin's own parameter"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = {-r = \"1\"}"),
                 "F:4:22: filter-parameters in [service]: '-r' is no name of a parameter of "
                 "nbdkit"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = {\"a b\" = 1}"),
                 "F:4:22: filter-parameters in [service]: 'a b' is no name of a parameter of "
                 "nbdkit"},
        Mistaken{
            in_service("filters = [\"rate\"]\nfilter-parameters = {rate = [1]}"),
            "F:4:29: a value of filter-parameters in [service] must be a string, an integer or "
            "true or false, not an array"},
        Mistaken{in_service("filters = [\"rate\"]\nfilter-parameters = {rate = \"1\\n\"}"),
                 "F:4:29: filter-parameters in [service] holds a control character"}));

INSTANTIATE_TEST_SUITE_P(
    Export, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{only_export("header = \"/h\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:3:1: name is missing in [[export]] number 1"},
        Mistaken{only_export("name = \"a\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:3:1: header is missing in [[export]] number 1"},
        Mistaken{only_export("name = \"a\"\nheader = \"/h\"\nsecret = \"/s\""),
                 "F:3:1: payload is missing in [[export]] number 1"},
        Mistaken{only_export("name = \"a\"\nheader = \"/h\"\npayload = \"/p\""),
                 "F:3:1: secret (or passphrase, or volume-key) is missing in [[export]] number 1"},
        Mistaken{only_export("name = 1\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:4:8: name in [[export]] number 1 must be a string, not an integer"},
        Mistaken{only_export("name = \"\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:4:8: name must have 1 to 255 bytes"},
        Mistaken{only_export("name = \"a\\nb\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:4:8: name in [[export]] number 1 holds a control character"},
        Mistaken{only_export("name = \"a\\u0000b\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:4:8: name in [[export]] number 1 holds a control character"},
        Mistaken{only_export("name = \"a\\u007f\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:4:8: name in [[export]] number 1 holds a control character"},
        Mistaken{only_export("name = \"" + std::string(256, 'x') +
                             "\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:4:8: name must have 1 to 255 bytes"},
        Mistaken{only_export("name = \"a\\u009b\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:4:8: name in [[export]] number 1 holds a control character"},
        Mistaken{in_export("passphrase = \"+/p\\u0000x\""),
                 "F:8:14: passphrase in [[export]] number 1 holds a control character"},
        Mistaken{in_service("status = \"/run/x\\n\""),
                 "F:3:10: status in [service] holds a control character"},
        Mistaken{listening("[\"unix:/run/x\\u0000y\"]"),
                 "F:2:11: listen in [service] holds a control character"},
        Mistaken{good_service + "é = 1\n" + good_export,
                 "F:3:1: a character that is not ASCII, outside of strings and comments"},
        Mistaken{only_export("name = \"a\"\nheader = \"nbd+unix:///x\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:5:10: header: cannot use nbd+unix:///x: it does not say which socket; write "
                 "nbd+unix:///EXPORT?socket=PATH"},
        Mistaken{only_export("name = \"a\"\nheader = \"c:foo\"\npayload = \"/p\"\nsecret = \"/s\""),
                 "F:5:10: header must be an absolute path or a URI"},
        Mistaken{only_export("name = \"a\"\nheader = \"qemu:raw:h\"\npayload = "
                             "\"qemu:qcow2:./a:b\"\nsecret = \"/s\""),
                 "F:5:10: header must have an absolute path after qemu:FORMAT:\n"
                 "F:6:11: payload must have an absolute path after qemu:FORMAT:"},
        Mistaken{only_export("name = \"a\"\nheader = \"nbd+unix:///?socket=s\"\npayload = "
                             "\"nbds://h/?tls-certificates=/c&tls-psk-file=k\"\nsecret = \"/s\""),
                 "F:5:10: header must have absolute paths in its query\n"
                 "F:6:11: payload must have absolute paths in its query"},
        Mistaken{only_export("name = \"a\"\nheader = \"nbd://127.0.0.1:99999/\"\npayload = "
                             "\"http://h:65536/x\"\nsecret = \"/s\""),
                 "F:5:10: header: cannot use nbd://127.0.0.1:99999/: its port must be a number "
                 "from 1 to 65535\n"
                 "F:6:11: payload: cannot use http://h:65536/x: after http:// there must be the "
                 "server's name or address and, after ':', its port, from 1 to 65535, if that is "
                 "not the usual one"},
        Mistaken{in_export("read-only = true"),
                 "F:8:1: unknown key 'read-only'" + export_keys + "; did you mean readonly?"},
        Mistaken{in_export("readonly = \"yes\""),
                 "F:8:12: readonly in [[export]] number 1 must be true or false, not a string"},
        Mistaken{in_export("keyslot = \"1\""),
                 "F:8:11: keyslot in [[export]] number 1 must be an integer, not a string"},
        Mistaken{in_export("kdf-memory-max = \"much\""),
                 "F:8:18: kdf-memory-max=much: expected a size in bytes below 2^63, such as "
                 "1048576, 1M or 2048s"},
        Mistaken{in_export("kdf-iterations-max = 4294967296"),
                 "F:8:22: kdf-iterations-max=4294967296: expected a number from 1 to 4294967295"},
        Mistaken{in_export("require-luks = 3"),
                 "F:8:16: require-luks=3: expected a number from 1 to 2"},
        Mistaken{in_export("header-sha256 = \"abc\""),
                 "F:8:17: header-sha256=abc: expected 64 hexadecimal digits, as sha256sum prints "
                 "them"},
        Mistaken{in_export("keyslot = 32"), "F:8:11: keyslot=32: expected a number from 0 to 31"},
        Mistaken{in_export("keyslot = -1"), "F:8:11: keyslot=-1: expected a number from 0 to 31"},
        Mistaken{in_export("payload-offset = 1000"),
                 "F:8:18: payload-offset=1000: must be a multiple of 512"},
        Mistaken{in_export("payload-offset = true"),
                 "F:8:18: payload-offset in [[export]] number 1 must be an integer or a string "
                 "such as \"16M\", not true or false"},
        Mistaken{in_export("payload-offset = \"16X\""),
                 "F:8:18: payload-offset=16X: expected a size in bytes below 2^63, such as "
                 "1048576, 1M or 2048s"},
        Mistaken{in_export("payload-offset = \"\\u001b[2J\\n\""),
                 "F:8:18: payload-offset in [[export]] number 1 holds a control character"},
        Mistaken{in_export("secret-size = 0"), "F:8:15: secret-size=0: there is no empty secret"},
        Mistaken{
            in_export("passphrase = \"hunter2\""),
            "F:8:14: passphrase= takes +FILE, - (standard input) or -FD (a file descriptor); "
            "a passphrase itself is refused, because others can read it on the command line or "
            "in a config file"},
        Mistaken{
            in_export("passphrase = \"-\""),
            "F:8:14: passphrase must be +/PATH: a service has no standard input and no open files "
            "to read"},
        Mistaken{in_export("passphrase = \"+line\""),
                 "F:8:14: passphrase must be an absolute path after the +"},
        Mistaken{in_export("passphrase = []"), "F:8:14: passphrase is an empty array"},
        Mistaken{only_export("name = \"a\"\nheader = \"h\"\npayload = \"./p:1\"\nsecret = "
                             "\"./fd:3\""),
                 "F:5:10: header must be an absolute path or a URI\n"
                 "F:6:11: payload must be an absolute path or a URI\n"
                 "F:7:10: secret must be an absolute path"},
        Mistaken{only_export("name = \"a\"\nheader = \"\"\npayload = 1\nsecret = [\"/s\", 1, "
                             "\"-\"]"),
                 "F:5:10: header= is empty\n"
                 "F:6:11: payload in [[export]] number 1 must be a string, not an integer\n"
                 "F:7:17: secret in [[export]] number 1 must be a string, not an integer\n"
                 "F:7:20: secret must not be - or fd:N: a service has no standard input and no "
                 "open files to read"},
        Mistaken{in_export("volume-key = \"fd:3\""),
                 "F:8:14: volume-key must not be - or fd:N: a service has no standard input and no "
                 "open files to read"},
        Mistaken{in_export("volume-key = \"key\""), "F:8:14: volume-key must be an absolute path"},
        Mistaken{in_export("volume-key = [\"/a\", \"/b\"]"),
                 "F:8:14: volume-key takes one value, not 2"},
        Mistaken{
            in_export("volume-key = \"token:\""),
            "F:8:14: volume-key=token: is impossible: a token yields the secret of a key slot, "
            "which is secret=token:"},
        Mistaken{in_export("volume-key = \"/k\""),
                 "F:3:1: volume-key= takes the place of secret= and passphrase=, which cannot be "
                 "given too"},
        Mistaken{with_secret("\"exec:./x\""),
                 "F:7:10: secret must have an absolute path after exec:"},
        Mistaken{with_secret("[\"exec:./x\", \"a\"]"),
                 "F:7:11: secret must have an absolute path after exec:"},
        Mistaken{with_secret("[\"exec:/x\", 1]"),
                 "F:7:22: secret in [[export]] number 1 must be a string, not an integer"},
        Mistaken{with_secret("[\"exec:/x\", \"\\u0000\"]"),
                 "F:7:22: secret in [[export]] number 1 holds a control character"},
        Mistaken{with_secret("[\"/s\", [\"/x\", \"a\"]]"),
                 "F:7:17: secret: an array in the array is a program with arguments, "
                 "[\"exec:/PATH\", \"ARGUMENT\", ...]"},
        Mistaken{with_secret("[\"/s\", []]"),
                 "F:7:17: secret: an array in the array is a program with arguments, "
                 "[\"exec:/PATH\", \"ARGUMENT\", ...]"},
        Mistaken{with_secret("\"credential:a/b\""),
                 "F:7:10: secret=credential:a/b: expected the name of a file in "
                 "$CREDENTIALS_DIRECTORY, without a folder (a file of that name is written "
                 "./credential:a/b)"},
        Mistaken{only_export("name = \"a\"\nheader = \"/h\"\npayload = [\"/p\", \"/q\"]\nsecret = "
                             "\"/s\""),
                 "F:6:11: payload takes one value, not 2"},
        Mistaken{only_export("name = \"a\"\nheader = \"/h\"\npayload = \"/p\"\npassphrase = "
                             "\"+/s\"\nsecret-offset = 1"),
                 "F:3:1: secret-offset= and secret-size= are about secret=, which is not given"},
        Mistaken{only_export("name = \"a\"\nheader.x = \"/h\"\npayload = \"/p\"\nsecret = "
                             "\"/s\""),
                 "F:5:1: header in [[export]] number 1 must be a string, not a table"}));

const std::string second_export = "[[export]]\nname = \"b\"\nheader = \"/h\"\nsecret = \"/s\"\n";

INSTANTIATE_TEST_SUITE_P(
    Exports, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{good_service + good_export +
                     "[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/q\"\nsecret = "
                     "\"/s\"\n",
                 "F:9:8: the name 'a' is used by another export"},
        Mistaken{good_service + good_export + second_export + "payload = \"/p\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{good_service + good_export + second_export + "payload = \"file:///p\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{good_service + good_export + second_export + "payload = \"file:/p\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{good_service + good_export + second_export + "payload = \"/%70\"\n", "good"},
        Mistaken{good_service + good_export + second_export + "payload = \"file:///%70\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{good_service + good_export + second_export + "payload = \"/p/\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{good_service + good_export + second_export + "payload = \"//x/../p\"\n",
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{
            good_service + good_export + second_export + "[[export]]\n",
            "F:8:1: payload is missing in [[export]] number 2\n"
            "F:12:1: name is missing in [[export]] number 3\n"
            "F:12:1: header is missing in [[export]] number 3\n"
            "F:12:1: payload is missing in [[export]] number 3\n"
            "F:12:1: secret (or passphrase, or volume-key) is missing in [[export]] number 3"}));

// Who may see and open an export.
INSTANTIATE_TEST_SUITE_P(
    Rules, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_export("list = \"no\""),
                 "F:8:8: list in [[export]] number 1 must be true or false, not a string"},
        Mistaken{in_export("description = 1"),
                 "F:8:15: description in [[export]] number 1 must be a string, not an integer"},
        Mistaken{in_export("description = \"a\\nb\""),
                 "F:8:15: description in [[export]] number 1 holds a control character"},
        Mistaken{in_export("description = \"" + repeated("é", 2040) + "\""), "good"},
        Mistaken{in_export("description = \"\"\"" + repeated("x", 3000) + "\\\n" +
                           repeated("x", 1096) + "\"\"\""),
                 "good"},
        Mistaken{in_export("description = \"\"\"" + repeated("x", 3000) + "\\\n" +
                           repeated("x", 1097) + "\"\"\""),
                 "F:8:15: description is longer than 4096 bytes, which is all that NBD can tell"},
        Mistaken{in_export("allow-uid = 1000"),
                 "F:8:13: allow-uid in [[export]] number 1 must be an array of numbers and names, "
                 "not an integer"},
        Mistaken{in_export("allow-uid = []"),
                 "F:8:13: allow-uid is an empty array; without allow-uid it is no rule"},
        Mistaken{in_export("allow-uid = [-1]"), "F:8:14: allow-uid: -1 is no number of a user"},
        Mistaken{in_export("allow-uid = [0, 4294967294]"), "good"},
        Mistaken{in_export("allow-gid = [4294967295]"),
                 "F:8:14: allow-gid: 4294967295 is no number of a group"},
        Mistaken{in_export("allow-uid = [0, true]"),
                 "F:8:17: allow-uid in [[export]] number 1 must be an array of numbers and names, "
                 "not true or false"},
        Mistaken{in_export("allow-uid = [\"root\"]\nallow-gid = [\"root\"]"), "good"},
        Mistaken{in_export("allow-uid = [\"no such user\"]"),
                 "F:8:14: allow-uid: there is no user called 'no such user'"},
        Mistaken{in_export("allow-gid = [\"no such group\"]"),
                 "F:8:14: allow-gid: there is no group called 'no such group'"},
        Mistaken{in_export("allow-uid = [\"a\\u0000\"]"),
                 "F:8:14: allow-uid in [[export]] number 1 holds a control character"},
        Mistaken{in_export("allow-subject = [\"CN=a\"]"),
                 "F:8:17: allow-subject needs tls-certificates and tls-verify-peer = true in "
                 "[service]: else clients have no certificate that counts"},
        Mistaken{in_service("tls = \"require\"\ntls-certificates = \"/pki\"\ntls-verify-peer = "
                            "true") +
                     "allow-subject = [\"CN=a,O=b\"]",
                 "good"},
        Mistaken{in_service("tls = \"require\"\ntls-certificates = \"/pki\"\ntls-verify-peer = "
                            "true") +
                     "allow-subject = [\"host1\"]",
                 "F:11:18: allow-subject: 'host1' is no subject of a certificate, such as "
                 "CN=host1,O=Example"},
        Mistaken{
            in_service("tls = \"require\"\ntls-psk = \"/keys\"") + "allow-subject = [\"CN=a\"]",
            "F:10:17: allow-subject needs tls-certificates and tls-verify-peer = true in "
            "[service]: else clients have no certificate that counts"},
        Mistaken{in_export("max-clients = 0"), "F:8:15: max-clients must be from 1 to 65536"},
        Mistaken{in_export("max-clients = 65537"), "F:8:15: max-clients must be from 1 to 65536"},
        Mistaken{in_export("max-clients = \"2\""),
                 "F:8:15: max-clients in [[export]] number 1 must be an integer, not a string"}));

// Two exports that are as good as each other, but for their payloads.
std::string with_payloads(const std::string& first, const std::string& second) {
  return good_service + "[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = " + first +
         "\nsecret = \"/s\"\n" + second_export + "payload = " + second + "\n";
}

// What else goes wrong in files that people and programs write.

INSTANTIATE_TEST_SUITE_P(
    MoreSyntax, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_service("insecure = yes"),
                 "F:3:12: Error while parsing value: could not determine value type; a text needs "
                 "quotes, true and false have none and are in lower case"},
        Mistaken{in_service("insecure = True"),
                 "F:3:12: Error while parsing boolean: expected 'true', saw 'T'; a text needs "
                 "quotes, true and false have none and are in lower case"},
        Mistaken{in_export("lock = no"),
                 "F:8:9: Error while parsing floating-point: expected 'nan', saw 'no'; a text "
                 "needs quotes, true and false have none and are in lower case"},
        Mistaken{in_service("insecure ="),
                 "F:3:11: Error while parsing key-value pair: expected value, saw '\\n'"},
        Mistaken{in_service("insecure"),
                 "F:3:9: Error while parsing key-value pair: expected '=', saw '\\n'"},
        Mistaken{in_service("= 1"),
                 "F:3:1: Error while parsing root table: expected keys, tables, whitespace or "
                 "comments, saw '='"},
        Mistaken{in_service("insecure = true false"),
                 "F:3:17: Error while parsing key-value pair: expected a comment or whitespace, "
                 "saw 'f'"},
        Mistaken{in_export("passphrase = \"+/a\", \"+/b\""),
                 "F:8:19: Error while parsing key-value pair: expected a comment or whitespace, "
                 "saw ','"},
        Mistaken{in_service("threads = 1\nthreads = 2"),
                 "F:4:11: Error while parsing key-value pair: cannot redefine existing integer "
                 "'threads'"},
        Mistaken{
            in_export("name = \"b\""),
            "F:8:8: Error while parsing key-value pair: cannot redefine existing string 'name'"},
        Mistaken{in_service("listen.x = 1"),
                 "F:3:1: Error while parsing key-value pair: cannot redefine existing array as "
                 "dotted key-value pair"},
        Mistaken{in_export("secret.file = \"/x\""),
                 "F:8:1: Error while parsing key-value pair: cannot redefine existing string as "
                 "dotted key-value pair"},
        Mistaken{in_export("[export.secret]\nfile = 1"),
                 "F:8:1: Error while parsing table header: cannot redefine existing string "
                 "'export.secret' as table"},
        Mistaken{in_service("threads = 99999999999999999999"),
                 "F:3:31: Error while parsing decimal integer: '99999999999999999999' is not "
                 "representable in 64 bits"},
        Mistaken{in_service("threads = 0x10000000000000000"),
                 "F:3:30: Error while parsing hexadecimal integer: '0x10000000000000000' is not "
                 "representable in 64 bits"},
        Mistaken{in_service("threads = 08"),
                 "F:3:13: Error while parsing decimal integer: leading zeroes are prohibited; "
                 "permissions "
                 "are written 0o660"},
        Mistaken{in_service("threads = 8_"),
                 "F:3:12: Error while parsing key-value pair: expected a comment or whitespace, "
                 "saw '_'"},
        Mistaken{in_service("threads = 1e400"),
                 "F:3:16: Error while parsing floating-point: '1e400' could not be interpreted as "
                 "a value"},
        Mistaken{in_service("threads = 1."),
                 "F:3:13: Error while parsing floating-point: expected decimal digit, saw '\\n'"},
        Mistaken{in_export("secret-size = 1M"),
                 "F:8:16: Error while parsing decimal integer: expected digit, saw 'M'; a number "
                 "with a unit needs quotes, as in \"16M\""},
        Mistaken{in_service("status = '/a\nb'"),
                 "F:3:13: Error while parsing literal string: control characters other than TAB "
                 "(U+0009) are explicitly prohibited; a string needs its closing quote, on the "
                 "same line if it has one quote"},
        Mistaken{in_service("status = \"\"\"/a"),
                 "F:8:14: Error while parsing string: encountered end-of-file; a string needs its "
                 "closing quote, on the same line if it has one quote"},
        Mistaken{in_service("status = \"/\\x41\""),
                 "F:3:13: Error while parsing string: escape sequence '\\x' is not supported in "
                 "TOML 1.0.0 and earlier"},
        Mistaken{in_service("status = \"/\\uD800\""),
                 "F:3:18: Error while parsing unicode scalar sequence: unicode surrogates (U+D800 "
                 "- U+DFFF) are explicitly prohibited"},
        Mistaken{in_service("status = \"/\\U00110000\""),
                 "F:3:22: Error while parsing unicode scalar sequence: values greater than "
                 "U+10FFFF are invalid"},
        Mistaken{
            in_service("status = \"/\\u12\""),
            "F:3:16: Error while parsing unicode scalar sequence: expected hex digit, saw '\"'"},
        Mistaken{in_service("status = \"/\x1b[31m\""),
                 "F:3:12: Error while parsing string: unescaped control characters other than TAB "
                 "(U+0009) are explicitly prohibited"},
        Mistaken{listening("[\"unix:/a\""),
                 "F:3:1: Error while parsing array: expected comma or closing ']', saw '['"},
        Mistaken{listening("[\"unix:/a\" \"unix:/b\"]"),
                 "F:2:21: Error while parsing array: expected comma or closing ']', saw '\"'"},
        Mistaken{listening("{a = 1,}"),
                 "F:2:17: Error while parsing inline table: expected key-value pair, saw closing "
                 "'}' (dangling comma)"},
        Mistaken{listening("{a = 1\n}"),
                 "F:2:16: Error while parsing inline table: expected key or closing '}', saw "
                 "'\\n'; a table "
                 "in braces must be on one line"},
        Mistaken{good_service + good_export + "[]\n",
                 "F:8:2: Error while parsing table header: tables with blank bare keys are "
                 "explicitly prohibited"},
        Mistaken{good_service + good_export + "[[export]\n",
                 "F:8:10: Error while parsing table header: expected ']', saw '\\n'"},
        Mistaken{
            good_service + good_export + "[export]]\n",
            "F:8:9: Error while parsing table header: expected a comment or whitespace, saw ']'"},
        Mistaken{good_service + good_export + "[ [export]]\n",
                 "F:8:3: Error while parsing table header: [[array-of-table]] brackets must be "
                 "contiguous (i.e. [ [ this ] ] is prohibited)"},
        Mistaken{
            good_service + good_export + "[[export]] x\n",
            "F:8:12: Error while parsing table header: expected a comment or whitespace, saw 'x'"},
        Mistaken{good_service + good_export + "[export]\n",
                 "F:8:1: Error while parsing table header: cannot redefine existing array 'export' "
                 "as table"},
        Mistaken{good_service + good_export + "[[service]]\n",
                 "F:8:1: Error while parsing table header: cannot redefine existing table "
                 "'service' as array-of-tables"},
        Mistaken{"[export]\n" + good_service + good_export,
                 "F:4:1: Error while parsing table header: cannot redefine existing table 'export' "
                 "as array-of-tables"},
        Mistaken{"[service]\rlisten = [\"unix:/a\"]\r",
                 "F:1:11: Error while parsing table header: expected '\\n' after '\\r', saw 'l'"}));

// toml++ repeats some.
INSTANTIATE_TEST_SUITE_P(
    ControlCharacters, ServiceConfigMistakes,
    ::testing::Values(Mistaken{
        in_service("insecure = fals\x01\x1b"),
        "F:3:16: Error while parsing boolean: expected 'false', saw 'fals?'; a text needs "
        "quotes, true and false have none and are in lower case"}));

// What toml++ 3.3 asserts not to come, or declares unreachable.
INSTANTIATE_TEST_SUITE_P(
    Asserted, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_service("threads = 2\"\u2c5f\""),
                 "F:3:12: Error while parsing decimal integer: expected digit, saw '\"'; a number "
                 "with a unit needs quotes, as in \"16M\""},
        Mistaken{in_service("threads = 2[\"é\"]"),
                 "F:3:12: Error while parsing decimal integer: expected digit, saw '['; a number "
                 "with a unit needs quotes, as in \"16M\""},
        Mistaken{"[+a]\n" + good_service + good_export,
                 "F:1:2: Error while parsing key: expected bare key starting character or string "
                 "delimiter, saw '+'"},
        Mistaken{good_service + "[[=]]\n" + good_export,
                 "F:3:3: Error while parsing key: expected bare key starting character or string "
                 "delimiter, saw '='"}));

INSTANTIATE_TEST_SUITE_P(
    Bytes, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{"\xef\xbb\xbf\xef\xbb\xbf" + good_service + good_export,
                 "F:1:2: a character that is not ASCII, outside of strings and comments"},
        Mistaken{"\xef\xbb\xbf[service\n" + good_service + good_export,
                 "F:1:9: Error while parsing table header: expected ']', saw '\\n'"},
        Mistaken{std::string("\xff\xfe[\x00s\x00", 6),
                 "F:1:1: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{good_service + good_export + std::string("\x00", 1),
                 "F:8:1: Error while parsing root table: expected keys, tables, whitespace or "
                 "comments, saw '\\u0000'"},
        Mistaken{good_service + good_export + "\x0c",
                 "F:8:1: Error while parsing root table: vertical tabs '\\v' and form-feeds '\\f' "
                 "are not legal line breaks in TOML"},
        Mistaken{good_service + good_export + "# \xff\n",
                 "F:8:3: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{good_service + good_export + std::string("# \x00\n", 4),
                 "F:8:3: Error while parsing comment: control characters other than TAB (U+0009) "
                 "are explicitly prohibited in comments"},
        Mistaken{good_service + good_export + "# \x1b[31m\n",
                 "F:8:3: Error while parsing comment: control characters other than TAB (U+0009) "
                 "are explicitly prohibited in comments"},
        Mistaken{in_service("x = \"\xe9\""),
                 "F:3:6: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{in_service("x = \"\xed\xa0\x80\""),
                 "F:3:6: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{in_service("x = \"\xc0\x80\""),
                 "F:3:6: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{in_service("x = \"\xf4\x90\x80\x80\""),
                 "F:3:6: a byte that is not UTF-8, which all of a config file must be"},
        Mistaken{in_service("\xc2\xa0threads = 1"),
                 "F:3:1: a character that is not ASCII, outside of strings and comments"},
        Mistaken{in_export("lock = \xe2\x80\x9ctrue\xe2\x80\x9d"),
                 "F:8:8: a character that is not ASCII, outside of strings and comments"}));

INSTANTIATE_TEST_SUITE_P(
    Tables, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{"a.b.c = 1\n" + good_service + good_export,
                 "F:1:1: unknown key 'a' in the file (known: export, service)"},
        Mistaken{good_service + good_export + "[exports]\n",
                 "F:8:2: unknown key 'exports' in the file (known: export, service); did you mean "
                 "export?"},
        Mistaken{"Service.listen = [\"unix:/a\"]\n",
                 "F:1:1: [service] is missing\nF:1:1: there is no [[export]]\nF:1:1: unknown key "
                 "'Service' in the file (known: export, service); did you mean service?"},
        Mistaken{"[service.tls]\n" + good_service + good_export,
                 "F:1:1: tls in [service] must be \"off\", \"on\" or \"require\", not a table"},
        Mistaken{good_service + good_export + "[export.more]\n",
                 "F:8:9: unknown key 'more'" + export_keys},
        Mistaken{good_service + good_export + "[[export.more]]\nx = 1\n",
                 "F:8:10: unknown key 'more'" + export_keys},
        Mistaken{"service = []\nexport = {}\n",
                 "F:1:11: service must be a table, written [service]\nF:2:10: export must be "
                 "written [[export]], with two brackets"},
        Mistaken{"service = \"x\"\nexport = \"a\"\n",
                 "F:1:11: service must be a table, written [service]\nF:2:10: export must be "
                 "written [[export]], with two brackets"},
        Mistaken{"export = [{name = \"a\"}, 1]\n",
                 "F:1:1: [service] is missing\nF:1:10: export must be written [[export]], with two "
                 "brackets"},
        Mistaken{"export = [[]]\n",
                 "F:1:1: [service] is missing\nF:1:10: export must be written [[export]], with two "
                 "brackets"},
        Mistaken{
            "service = {listen = ['unix:/a'], tls = 1}\nexport = [{}]\n",
            "F:1:40: tls in [service] must be \"off\", \"on\" or \"require\", not an "
            "integer\nF:2:11: name is missing in [[export]] number 1\nF:2:11: header is missing in "
            "[[export]] number 1\nF:2:11: payload is missing in [[export]] number 1\nF:2:11: "
            "secret (or passphrase, or volume-key) is missing in [[export]] number 1"}));

INSTANTIATE_TEST_SUITE_P(
    MoreOfService, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_service("tls_psk = \"/x\""),
                 "F:3:1: unknown key 'tls_psk'" + service_keys + "; did you mean tls-psk?"},
        Mistaken{in_service("Listen = 1"),
                 "F:3:1: unknown key 'Listen'" + service_keys + "; did you mean listen?"},
        Mistaken{in_service("thread-count = 8"),
                 "F:3:1: unknown key 'thread-count'" + service_keys},
        Mistaken{in_service("\"\" = 1"), "F:3:1: unknown key ''" + service_keys},
        Mistaken{in_service("service = 1"), "F:3:1: unknown key 'service'" + service_keys},
        Mistaken{in_service("threads = inf"),
                 "F:3:11: threads in [service] must be an integer, not a number with a fraction"},
        Mistaken{in_service("threads = [8]"),
                 "F:3:11: threads in [service] must be an integer, not an array"},
        Mistaken{in_service("threads = {n = 8}"),
                 "F:3:11: threads in [service] must be an integer, not a table"},
        Mistaken{in_service("threads = 07:32:00"),
                 "F:3:11: threads in [service] must be an integer, not a date or time"},
        Mistaken{in_service("threads = \"8\""),
                 "F:3:11: threads in [service] must be an integer, not a string"},
        Mistaken{in_service("threads = 1e2"),
                 "F:3:11: threads in [service] must be an integer, not a number with a fraction"},
        Mistaken{in_service("threads.a = 1\nthreads.b = 2"),
                 "F:3:1: threads in [service] must be an integer, not a table"},
        Mistaken{in_service("threads = -9223372036854775808"),
                 "F:3:11: threads in [service] must be from 1 to 256"},
        Mistaken{
            in_service("tls = true"),
            "F:3:7: tls in [service] must be \"off\", \"on\" or \"require\", not true or false"},
        Mistaken{in_service("tls = \"ON\""),
                 "F:3:7: tls in [service] must be \"off\", \"on\" or \"require\", not \"ON\""},
        Mistaken{in_service("tls = \"\""),
                 "F:3:7: tls in [service] must be \"off\", \"on\" or \"require\", not \"\""},
        Mistaken{in_service("tls = ['on']"),
                 "F:3:7: tls in [service] must be \"off\", \"on\" or \"require\", not an array"},
        Mistaken{in_service("tls-certificates = 1"),
                 "F:3:20: tls-certificates in [service] must be a string, not an integer\nF:3:20: "
                 "tls-certificates in [service] needs tls = \"on\" or \"require\""},
        Mistaken{in_service("default = \"A\""),
                 "F:3:11: default in [service] is 'A', but no export has that name"},
        Mistaken{in_service("default = [\"a\"]"),
                 "F:3:11: default in [service] must be a string, not an array"}));

INSTANTIATE_TEST_SUITE_P(
    MoreOfExport, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{in_export("read_only = true"),
                 "F:8:1: unknown key 'read_only'" + export_keys + "; did you mean readonly?"},
        Mistaken{in_export("secrets = \"/s\""),
                 "F:8:1: unknown key 'secrets'" + export_keys + "; did you mean secret?"},
        Mistaken{in_export("key-slot = 1"),
                 "F:8:1: unknown key 'key-slot'" + export_keys + "; did you mean keyslot?"},
        Mistaken{in_export("config = \"/x\""), "F:8:1: unknown key 'config'" + export_keys},
        Mistaken{in_export("listen = []"),
                 "F:8:1: unknown key 'listen'" + export_keys + "; did you mean list?"},
        Mistaken{in_export("passphrase = \"-0\""),
                 "F:8:14: passphrase must be +/PATH: a service has no standard input and no open "
                 "files to read"},
        Mistaken{in_export("passphrase = \"-3\""),
                 "F:8:14: passphrase must be +/PATH: a service has no standard input and no open "
                 "files to read"},
        Mistaken{in_export("passphrase = \"+\""),
                 "F:8:14: passphrase= takes +FILE, - (standard input) or -FD (a file descriptor); "
                 "a passphrase itself is refused, because others can read it on the command line "
                 "or in a config file"},
        Mistaken{in_export("passphrase = [[\"+/a\"]]"),
                 "F:8:15: passphrase in [[export]] number 1 must be a string, not an array"},
        Mistaken{in_export("passphrase = 1234"),
                 "F:8:14: passphrase in [[export]] number 1 must be a string, not an integer"},
        Mistaken{in_export("keyslot = 1.5"),
                 "F:8:11: keyslot in [[export]] number 1 must be an integer, not a number with a "
                 "fraction"},
        Mistaken{in_export("keyslot = [1, 2]"), "F:8:11: keyslot takes one value, not 2"},
        Mistaken{in_export("keyslot = 1979-05-27T07:32:00Z"),
                 "F:8:11: keyslot in [[export]] number 1 must be an integer, not a date or time"},
        Mistaken{in_export("secret-size = -1"),
                 "F:8:15: secret-size=-1: expected a size in bytes below 2^63, such as 1048576, 1M "
                 "or 2048s"},
        Mistaken{in_export("secret-size = 1.5"),
                 "F:8:15: secret-size in [[export]] number 1 must be an integer or a string such "
                 "as \"16M\", not a number with a fraction"},
        Mistaken{in_export("secret-size = \"\""),
                 "F:8:15: secret-size=: expected a size in bytes below 2^63, such as 1048576, 1M "
                 "or 2048s"},
        Mistaken{in_export("secret-size = \"1.5M\""),
                 "F:8:15: secret-size=1.5M: expected a size in bytes below 2^63, such as 1048576, "
                 "1M or 2048s"},
        Mistaken{in_export("secret-size = \"8E\""),
                 "F:8:15: secret-size=8E: expected a size in bytes below 2^63, such as 1048576, 1M "
                 "or 2048s"},
        Mistaken{in_export("secret-size = \"1 M\""),
                 "F:8:15: secret-size=1 M: expected a size in bytes below 2^63, such as 1048576, "
                 "1M or 2048s"},
        Mistaken{in_export("secret-size = \"1MiB\""),
                 "F:8:15: secret-size=1MiB: expected a size in bytes below 2^63, such as 1048576, "
                 "1M or 2048s"},
        Mistaken{in_export("payload-offset = -512"),
                 "F:8:18: payload-offset=-512: expected a size in bytes below 2^63, such as "
                 "1048576, 1M or 2048s"},
        Mistaken{in_export("payload-offset = 9223372036854775807"),
                 "F:8:18: payload-offset=9223372036854775807: must be a multiple of 512"},
        Mistaken{in_export("kdf-memory-max = -1"),
                 "F:8:18: kdf-memory-max=-1: expected a size in bytes below 2^63, such as 1048576, "
                 "1M or 2048s"},
        Mistaken{in_export("kdf-iterations-max = 0"),
                 "F:8:22: kdf-iterations-max=0: expected a number from 1 to 4294967295"},
        Mistaken{in_export("require-luks = \"2\""),
                 "F:8:16: require-luks in [[export]] number 1 must be an integer, not a string"},
        Mistaken{in_export("require-luks = 0"),
                 "F:8:16: require-luks=0: expected a number from 1 to 2"},
        Mistaken{in_export("require-uuid = \"\""), "F:8:16: require-uuid= is empty"},
        Mistaken{in_export("require-cipher = []"), "F:8:18: require-cipher takes one value, not 0"},
        Mistaken{in_export("header-sha256 = "
                           "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
                 "F:8:17: "
                 "header-sha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "
                 "expected 64 hexadecimal digits, as sha256sum prints them"},
        Mistaken{in_export("reconnect-timeout = -1"),
                 "F:8:21: reconnect-timeout=-1: expected a number from 0 to 86400"},
        Mistaken{in_export("reconnect-timeout = 86401"),
                 "F:8:21: reconnect-timeout=86401: expected a number from 0 to 86400"},
        Mistaken{in_export("reconnect-timeout = 60.0"),
                 "F:8:21: reconnect-timeout in [[export]] number 1 must be an integer, not a "
                 "number with a fraction"},
        Mistaken{in_export("discard = \"on\""),
                 "F:8:11: discard in [[export]] number 1 must be true or false, not a string"},
        Mistaken{in_export("lock = 0"),
                 "F:8:8: lock in [[export]] number 1 must be true or false, not an integer"},
        Mistaken{in_export("insecure = {}"),
                 "F:8:12: insecure in [[export]] number 1 must be true or false, not a table"},
        Mistaken{
            with_secret("[\"-\", \"fd:0\", \"fd:x\"]"),
            "F:7:11: secret must not be - or fd:N: a service has no standard input and no open "
            "files to read\nF:7:16: secret must not be - or fd:N: a service has no standard input "
            "and no open files to read\nF:7:24: secret=fd:x: expected the number of a file "
            "descriptor, such as fd:3 (a file of that name is written ./fd:x)"},
        Mistaken{with_secret("[\"\", \"exec:\", \"exec:ls\"]"),
                 "F:7:11: secret= is empty\nF:7:15: secret=exec:: expected the path of a program, "
                 "such as exec:/usr/bin/ask or exec:./ask: it is not looked for in PATH (a file of "
                 "that name is written ./exec:)\nF:7:24: secret=exec:ls: expected the path of a "
                 "program, such as exec:/usr/bin/ask or exec:./ask: it is not looked for in PATH "
                 "(a file of that name is written ./exec:ls)"},
        Mistaken{
            with_secret("[\"credential:\", \"credential:..\", \"token:0\"]"),
            "F:7:11: secret=credential:: expected the name of a file in $CREDENTIALS_DIRECTORY, "
            "without a folder (a file of that name is written ./credential:)\nF:7:26: "
            "secret=credential:..: expected the name of a file in $CREDENTIALS_DIRECTORY, without "
            "a folder (a file of that name is written ./credential:..)\nF:7:43: secret=token:0: "
            "nothing comes after token:, every token is tried (keyslot=N tries those of one key "
            "slot) (a file of that name is written ./token:0)"},
        Mistaken{with_secret("{fd = 3}"),
                 "F:7:10: secret in [[export]] number 1 must be a string, not a table"},
        Mistaken{
            with_secret("[\"~/s\", \"file:///s\"]"),
            "F:7:11: secret must be an absolute path\nF:7:18: secret must be an absolute path"},
        Mistaken{
            only_export("name = [\"a\"]\nheader = [\"/h\", 1, [\"/x\"]]\npayload = {file = "
                        "\"/p\"}\nsecret = []"),
            "F:4:8: name in [[export]] number 1 must be a string, not an array\nF:5:17: header in "
            "[[export]] number 1 must be a string, not an integer\nF:5:20: header in [[export]] "
            "number 1 must be a string, not an array\nF:6:11: payload in [[export]] number 1 must "
            "be a string, not a table\nF:7:10: secret is an empty array"},
        Mistaken{
            only_export(
                "name = \"a\"\nheader = \"file:h\"\npayload = \"file://host/p\"\nsecret = \"/s\""),
            "F:5:10: header must be an absolute path or a URI\nF:6:11: payload: cannot use "
            "file://host/p: a file: URI names a file of this machine; write file:///PATH with an "
            "absolute path"},
        Mistaken{only_export("name = \"a\"\nheader = \"qemu:qcow2:\"\npayload = "
                             "\"nbd://h/?x=y\"\nsecret = \"/s\""),
                 "F:5:10: header must have an absolute path after qemu:FORMAT:\nF:6:11: payload: "
                 "cannot use nbd://h/?\xe2\x80\xa6: its query may hold only socket=, "
                 "tls-certificates= and tls-psk-file=, separated by '&' and written exactly so"},
        Mistaken{only_export("name = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nvolume-key = "
                             "\"/k\"\nkeyslot = 1"),
                 "F:3:1: keyslot= is about secrets: volume-key= needs no key slot"}));

INSTANTIATE_TEST_SUITE_P(
    OnePayloadUnderTwoNames, ServiceConfigMistakes,
    ::testing::Values(
        Mistaken{with_payloads("\"/p\"", "\"/./p\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("[\"/p\"]", "\"/x//../p\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("\"nbd://h\"", "\"nbd://H:10809/\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{
            with_payloads("\"nbd+unix:///x?socket=/a/b\"", "\"nbd+unix:///%78?socket=/a/%62\""),
            "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("\"nbd://h/a\"", "\"nbds://h/a?tls-certificates=/c\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("\"qemu:raw:/p\"", "\"/p\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("\"ssh://h/p\"", "\"sftp://h:22/p\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"},
        Mistaken{with_payloads("\"qemu:qcow2:/p\"", "\"qemu:qcow2:/x/../p\""),
                 "F:12:11: the export 'a' writes the same payload; make one of them readonly"}));

// ---- good files ----

TEST(ServiceConfig, SmallestHasTheDefaults) {
  const ServiceConfig config = parse_config(good_service + good_export, "F", read_uri);
  EXPECT_EQ(config.listen, std::vector<Listener>{{.path = "/run/nbd.sock"}});
  EXPECT_EQ(config.status, "");
  EXPECT_EQ(config.tls, TlsMode::off);
  EXPECT_EQ(config.threads, 0u);
  EXPECT_FALSE(config.insecure);
  EXPECT_EQ(config.default_export, "a");
  ASSERT_EQ(config.exports.size(), 1u);
  const ExportOptions& options = config.exports[0].options;
  EXPECT_EQ(config.exports[0].name, "a");
  EXPECT_EQ(options.headers, std::vector<std::string>{"/h"});
  EXPECT_EQ(options.payload, "/p");
  EXPECT_EQ(options.secrets, std::vector{SecretFrom{.path = "/s"}});
  EXPECT_FALSE(options.readonly);
  EXPECT_FALSE(options.insecure);
  EXPECT_TRUE(options.lock);
}

TEST(ServiceConfig, EveryKey) {
  const ServiceConfig config = parse_config(R"(
[service]
listen = ["tcp:[2001:db8::1]:10809", "unix:/run/nbd.sock",
          {address = "unix:/run/vms.sock", mode = 0o660, owner = "root", group = "daemon"},
          "vsock:4294967294", "systemd:nbd"]
status = "/run/status.sock"
user = "nobody"
group = "daemon"
filters = ["log", "rate"]
filter-parameters = {rate = "100M", burstiness = 10, logappend = true}
tls = "require"
tls-certificates = "/etc/pki"
tls-verify-peer = true
threads = 256
insecure = true
default = "zweiter Name, é"

[[export]]
name = "vm1"
header = ["nbds://vault/h?tls-certificates=/pki"]
payload = "nbd+unix:///?socket=/run/storage.sock"
secret = ["/s1", "/s2"]
secret-offset = "1k"
secret-size = 64
passphrase = ["+/p1", "+/p2"]
keyslot = 31
payload-offset = "2048s"
lock = false
readonly = true
insecure = true

[[export]]
name = "zweiter Name, é"
header = "file:///h"
payload = "/p"
passphrase = "+/p"
)",
                                            "F", read_uri);
  using Kind = Listener::Kind;
  EXPECT_EQ(config.listen,
            (std::vector<Listener>{
                {.kind = Kind::tcp, .host = "2001:db8::1", .port = 10809},
                {.path = "/run/nbd.sock"},
                {.path = "/run/vms.sock", .mode = 0660, .owner = "root", .group = "daemon"},
                {.kind = Kind::vsock, .port = 4294967294},
                {.kind = Kind::systemd, .name = "nbd"}}));
  EXPECT_EQ(config.user, "nobody");
  EXPECT_EQ(config.group, "daemon");
  EXPECT_EQ(config.filters, (std::vector<std::string>{"log", "rate"}));
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(config.filter_parameters,
            (Parameters{{"burstiness", "10"}, {"logappend", "true"}, {"rate", "100M"}}));
  EXPECT_EQ(config.status, "/run/status.sock");
  EXPECT_EQ(config.tls, TlsMode::require);
  EXPECT_EQ(config.tls_certificates, "/etc/pki");
  EXPECT_TRUE(config.tls_verify_peer);
  EXPECT_EQ(config.threads, 256u);
  EXPECT_TRUE(config.insecure);
  EXPECT_EQ(config.default_export, "zweiter Name, é");
  ASSERT_EQ(config.exports.size(), 2u);
  const ExportOptions& first = config.exports[0].options;
  EXPECT_EQ(first.headers, std::vector<std::string>{"nbds://vault/h?tls-certificates=/pki"});
  EXPECT_EQ(first.payload, "nbd+unix:///?socket=/run/storage.sock");
  EXPECT_EQ(first.secrets, (std::vector<SecretFrom>{{.path = "/s1"}, {.path = "/s2"}}));
  EXPECT_EQ(first.secret_offset, 1024u);
  EXPECT_EQ(first.secret_size, 64u);
  ASSERT_EQ(first.passphrases.size(), 2u);
  EXPECT_EQ(first.passphrases[1].path, "/p2");
  EXPECT_EQ(first.keyslot, 31u);
  EXPECT_EQ(first.payload_offset, 2048u * 512);
  EXPECT_FALSE(first.lock);
  EXPECT_TRUE(first.readonly);
  EXPECT_TRUE(first.insecure);
  EXPECT_FALSE(config.exports[1].options.readonly);
}

TEST(ServiceConfig, RulesOfAnExport) {
  const auto parse = [](const std::string& lines) {
    return parse_config(good_service + "tls = \"on\"\ntls-certificates = \"/pki\"\n" +
                            "tls-verify-peer = true\n" + good_export + lines,
                        "F", read_uri);
  };
  EXPECT_EQ(parse("").exports[0].rules, ExportRules{});
  const ServiceConfig config = parse(
      "list = false\ndescription = \"a disk\"\nallow-uid = [1000, \"root\"]\n"
      "allow-gid = [\"root\"]\nallow-subject = [\"CN=a\"]\nmax-clients = 2\n");
  const ExportRules rules{.list = false,
                          .description = "a disk",
                          .allow_uid = {1000, 0},
                          .allow_gid = {0},
                          .allow_subject = {"CN=a"},
                          .max_clients = 2};
  EXPECT_EQ(config.exports[0].rules, rules);
}

TEST(ServiceConfig, SubjectsNeedAnNbdkitThatTellsThem) {
  const std::string with_tls = good_service +
                               "tls = \"on\"\ntls-certificates = \"/pki\"\n"
                               "tls-verify-peer = true\n" +
                               good_export;
  const ServiceConfig without = parse_config(with_tls, "F", read_uri);
  check_subject_rules(without, "F", false);
  const ServiceConfig config =
      parse_config(with_tls + "allow-subject = [\"CN=a\"]\n", "F", read_uri);
  check_subject_rules(config, "F", true);
  try {
    check_subject_rules(config, "F", false);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "F:11:17: allow-subject needs nbdkit 1.42 or newer (Debian 13 has it): this one "
                 "does not tell the subject of a client's certificate");
  }
}

TEST(ServiceConfig, TcpThatIsSafeEnough) {
  const std::string verified =
      "tls = \"require\"\ntls-certificates = \"/pki\"\ntls-verify-peer = true";
  for (const std::string& text : {
           listening("[\"tcp:127.0.0.1:1\"]"),
           listening("[\"tcp:127.1.2.3:65535\"]"),
           listening("[\"tcp:[::1]:10809\"]"),
           listening("[\"tcp:localhost:10809\"]"),
           listening("[\"tcp:0.0.0.0:10809\"]\ninsecure = true"),
           listening("[\"tcp:0.0.0.0:10809\"]\n" + verified),
           listening("[\"tcp:nbd.example.com:10809\"]\ntls = \"require\"\ntls-psk = \"/psk\""),
       }) {
    EXPECT_EQ(complaint(text), "good") << text;
  }
}

TEST(ServiceConfig, OnePayloadMayHaveReadersBesideItsWriter) {
  const std::string reader = second_export + "payload = \"/p\"\nreadonly = true\n";
  EXPECT_EQ(complaint(good_service + good_export + reader), "good");
  EXPECT_EQ(complaint(good_service + reader + good_export), "good");
}

TEST(ServiceConfig, AnyKindOfSource) {
  for (const char* uri :
       {"/x", "file:///x", "nbd://h/x", "nbds+vsock://u@2/?tls-psk-file=/k",
        "nbd+unix:///?socket=%2Fs", "https://h/x", "ssh://h/x", "nbdkit:memory?size=1M",
        "nbdkit:file?file=/x", "qemu:raw:/x", "qemu:qcow2:/a:b", "qemu:raw:rbd:pool/image",
        "qemu:raw:nbd+unix:///?socket=/s"}) {
    const std::string text = uri;
    EXPECT_EQ(complaint(only_export("name = \"a\"\nheader = \"" + text + "\"\npayload = \"" + text +
                                    "\"\nsecret = \"/s\"")),
              "good")
        << uri;
  }
}

TEST(ServiceConfig, OtherWaysToWriteTheSame) {
  EXPECT_EQ(complaint("export = [{name = 'a', header = '/h', payload = '/p', secret = '/s'}]\n"
                      "service = {listen = ['unix:/run/nbd.sock']}\n"),
            "good");
  const std::string byte_order_mark = "\xef\xbb\xbf";
  EXPECT_EQ(complaint(byte_order_mark + good_service + good_export), "good");
  std::string dos = good_service + good_export;
  for (std::size_t at = 0; (at = dos.find('\n', at)) != std::string::npos; at += 2) {
    dos.replace(at, 1, "\r\n");
  }
  EXPECT_EQ(complaint(dos), "good");
}

// ---- hostile files ----

TEST(ServiceConfig, KnowsWhatNeedsARestart) {
  const ServiceConfig before;
  ServiceConfig now;
  now.default_export = "b";
  now.insecure = true;
  now.exports.emplace_back();
  EXPECT_EQ(fixed_differences(before, now), "");
  now.listen.push_back({.mode = 0660});
  now.threads = 2;
  EXPECT_EQ(fixed_differences(before, now), "listen, threads");
  now = before;
  now.status = "/s";
  now.tls = TlsMode::require;
  now.tls_certificates = "/c";
  now.tls_verify_peer = true;
  now.tls_psk = "/p";
  EXPECT_EQ(fixed_differences(before, now),
            "status, tls, tls-certificates, tls-verify-peer, tls-psk");
  now = before;
  now.user = "u";
  now.group = "g";
  now.filters = {"rate"};
  now.filter_parameters = {{"rate", "1M"}};
  EXPECT_EQ(fixed_differences(before, now), "user, group, filters, filter-parameters");
  // Their order matters.
  now = before;
  now.filters = {"a", "b"};
  ServiceConfig swapped = before;
  swapped.filters = {"b", "a"};
  EXPECT_EQ(fixed_differences(now, swapped), "filters");
}

TEST(ServiceConfig, SizeLimits) {
  const std::string good = good_service + good_export;
  const std::string line = repeated("#", 4096);
  EXPECT_EQ(complaint(good + line), "good");
  EXPECT_EQ(complaint(good + line + "x"), "F:8:4097: the line is longer than 4 KiB");
  EXPECT_EQ(complaint(line + "x\n" + good), "F:1:4097: the line is longer than 4 KiB");

  std::string file = good + repeated(line + "\n", 255);
  file += repeated("\n", (std::size_t{1} << 20) - file.size());
  EXPECT_EQ(complaint(file), "good");
  EXPECT_EQ(complaint(file + "\n"), "config file F is larger than 1 MiB");
}

TEST(ServiceConfig, DeepNestingIsRefused) {
  EXPECT_EQ(complaint(repeated("a.", 50000) + "a = 1"), "F:1:4097: the line is longer than 4 KiB");
  EXPECT_EQ(complaint("x = " + repeated("[", 100000)), "F:1:4097: the line is longer than 4 KiB");
  const std::string too_deep =
      "Error while parsing value: exceeded maximum nested value depth of 8 "
      "(TOML_MAX_NESTED_VALUES)";
  EXPECT_EQ(complaint("x = " + repeated("[", 4000)), "F:1:13: " + too_deep);
  EXPECT_EQ(complaint("x = " + repeated("[\n", 100000)), "F:9:1: " + too_deep);
  EXPECT_EQ(complaint("x = " + repeated("{a=", 1000)), "F:1:29: " + too_deep);
}

// As many levels as lines of 4 KiB can make: the tree is destroyed by recursion.
TEST(ServiceConfig, DeepestTreeIsDestroyedWithinTheStack) {
  const std::string parts = repeated("a.", 2040) + "a";
  const std::string deepest = "[" + parts + "]\n" + parts + " = [\n" +
                              repeated("{" + parts + " = [\n", 3) + repeated("]}", 3) + "]\n";
  EXPECT_THAT(complaint(deepest),
              ::testing::EndsWith("unknown key 'a' in the file (known: export, service)"));
  // The same through an exception in the middle of it.
  EXPECT_THAT(complaint(deepest.substr(0, deepest.size() - 2)),
              ::testing::HasSubstr("encountered end-of-file"));

  std::string many;
  for (int i = 0; i < 250; ++i) many += "[" + parts + ".b" + std::to_string(i) + "]\n";
  EXPECT_NE(complaint(many), "good");
}

TEST(ServiceConfig, ManyExportsAndManyMistakes) {
  std::string many = good_service;
  std::size_t count = 0;
  while (many.size() < (std::size_t{1} << 20) - 100) {
    const std::string number = std::to_string(count++);
    many +=
        "[[export]]\nname='" + number + "'\nheader='/h'\npayload='/" + number + "'\nsecret='/s'\n";
  }
  EXPECT_EQ(parse_config(many, "F", read_uri).exports.size(), count);
  EXPECT_GT(count, 10000u);

  std::string mistakes = good_service;
  for (int i = 0; i < 50000; ++i) mistakes.append("k").append(std::to_string(i)).append("=1\n");
  EXPECT_NE(complaint(mistakes), "good");
}

TEST(ServiceConfig, AnyCutOfAGoodFileIsSaidToBeWrongOrGood) {
  const std::string good = good_service + good_export + second_export + "payload = \"/q\"\n";
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(complaint(good.substr(0, size)), "") << size;
    std::string edited = good;
    edited[size] = static_cast<char>(edited[size] ^ 0x1f);
    EXPECT_NE(complaint(edited), "") << size;
  }
}

// ---- files ----

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() {
    char name[] = "/tmp/luksdetached-config-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  static std::string complaint_about(const std::string& file) {
    try {
      load_config(file, read_uri);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "good";
  }

 private:
  std::string directory_;
};

TEST_F(ConfigFile, IsReadAndNamedInMessages) {
  std::ofstream(path("good")) << good_service << good_export;
  EXPECT_EQ(load_config(path("good"), read_uri).exports.size(), 1u);
  std::filesystem::create_symlink("good", path("link"));
  EXPECT_EQ(load_config(path("link"), read_uri).exports.size(), 1u);
  std::ofstream(path("bad")) << good_service;
  EXPECT_EQ(complaint_about(path("bad")), path("bad") + ":1:1: there is no [[export]]");
  std::ofstream(path("large")) << std::string((std::size_t{1} << 20) + 1, '\n');
  EXPECT_EQ(complaint_about(path("large")),
            "config file " + path("large") + " is larger than 1 MiB");
}

TEST_F(ConfigFile, WhatCannotBeReadIsRefusedAtOnce) {
  EXPECT_EQ(complaint_about(path("none")),
            "config file " + path("none") + " cannot be opened: No such file or directory");
  EXPECT_EQ(complaint_about(path("none") + "/x"),
            "config file " + path("none") + "/x cannot be opened: No such file or directory");
  std::filesystem::create_symlink("loop", path("loop"));
  EXPECT_EQ(complaint_about(path("loop")),
            "config file " + path("loop") + " cannot be opened: Too many levels of symbolic links");
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(complaint_about(path("fifo")),
            "config file " + path("fifo") + " is not a regular file");
  EXPECT_EQ(complaint_about("/tmp"), "config file /tmp is not a regular file");
  EXPECT_EQ(complaint_about("/dev/zero"), "config file /dev/zero is not a regular file");
  EXPECT_EQ(complaint_about(""), "config file  cannot be opened: No such file or directory");
  if (geteuid() == 0) return;  // may read everything
  std::ofstream(path("closed"));
  std::filesystem::permissions(path("closed"), std::filesystem::perms::none);
  EXPECT_EQ(complaint_about(path("closed")),
            "config file " + path("closed") + " cannot be opened: Permission denied");
}

// What `secret = value` gives.
std::vector<SecretFrom> secrets_of(const std::string& value) {
  return parse_config(with_secret(value), "F", read_uri).exports.at(0).options.secrets;
}

TEST(ServiceConfigTest, SecretsOfEveryKindAServiceCanRead) {
  using Kind = SecretFrom::Kind;
  const SecretFrom plain{.kind = Kind::program, .path = "/x"};
  const SecretFrom told{.kind = Kind::program, .path = "/x", .arguments = {"a", "/b"}};
  EXPECT_EQ(secrets_of("\"credential:a\""),
            (std::vector<SecretFrom>{{.kind = Kind::credential, .credential = "a"}}));
  EXPECT_EQ(secrets_of("\"token:\""), std::vector<SecretFrom>{{.kind = Kind::tokens}});
  EXPECT_EQ(secrets_of("\"exec:/x\""), std::vector{plain});
  EXPECT_EQ(secrets_of("[\"exec:/x\"]"), std::vector{plain});
  EXPECT_EQ(secrets_of("[\"exec:/x\", \"a\", \"/b\"]"), std::vector{told});
  EXPECT_EQ(secrets_of("[[\"exec:/x\", \"a\", \"/b\"], \"/s\", \"exec:/x\"]"),
            (std::vector<SecretFrom>{told, {.path = "/s"}, plain}));
  EXPECT_EQ(secrets_of("[\"/s\", [\"exec:/x\", \"a\", \"/b\"]]"),
            (std::vector<SecretFrom>{{.path = "/s"}, told}));
}

TEST(ServiceConfigTest, AVolumeKeyTakesThePlaceOfASecret) {
  const auto key_of = [](const std::string& value) {
    return parse_config(
               only_export("name = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nvolume-key = " +
                           value),
               "F", read_uri)
        .exports.at(0)
        .options.volume_key;
  };
  EXPECT_EQ(key_of("\"/k\""), SecretFrom{.path = "/k"});
  EXPECT_EQ(key_of("[\"/k\"]"), SecretFrom{.path = "/k"});
  EXPECT_EQ(key_of("[\"exec:/x\", \"a\"]"),
            (SecretFrom{.kind = SecretFrom::Kind::program, .path = "/x", .arguments = {"a"}}));
}

// A service that runs can be asked while somebody edits its config.
TEST(LoadStatusPath, NeedsOnlyWhatComesBeforeAMistake) {
  char name[] = "/tmp/luksdetached-config-XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  close(fd);
  const auto path_in = [&](const std::string& text) -> std::string {
    std::ofstream(name, std::ios::trunc) << text;
    try {
      return load_status_path(name);
    } catch (const ConfigError& error) {
      return error.what();
    }
  };
  const std::string service = "[service]\nstatus = \"/run/s\"\n";
  EXPECT_EQ(path_in(service), "/run/s");
  EXPECT_EQ(path_in(service + "nonsense = 1\n[[export]]\n"), "/run/s");
  EXPECT_EQ(path_in(service + "[[export\n"), "/run/s");
  EXPECT_EQ(path_in(service + "name = \"\xff\"\n"), "/run/s");
  EXPECT_EQ(path_in("[service]\n"), "");
  EXPECT_EQ(
      path_in("x = \n" + service),
      std::string(name) + ":1:5: Error while parsing key-value pair: expected value, saw '\\n'");
  std::filesystem::remove(name);
}

}  // namespace
}  // namespace luksdetached
