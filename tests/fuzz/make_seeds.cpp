// make_seeds DIRECTORY: a corpus for each target to begin with, in a folder of its name: small
// valid headers of every kind, URIs and config files.
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz.h"

namespace {

using namespace luksdetached;
namespace fs = std::filesystem;
using nlohmann::json;

void write(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

json argon2(const char* type) {
  return {{"type", type},
          {"time", 1},
          {"memory", 8},
          {"cpus", 1},
          {"salt", luksdetached::testing::to_base64(luksdetached::testing::pattern(32, 100))}};
}

// Variants of one header, each with something that the others have not.
std::vector<std::pair<std::string, json>> metadata() {
  const json plain = fuzz::luks2_volume().metadata;
  std::vector<std::pair<std::string, json>> all{{"plain", plain}};
  const auto add = [&](const std::string& name, auto change) {
    json changed = plain;
    change(changed);
    all.emplace_back(name, std::move(changed));
  };
  add("argon2id", [](json& j) { j["keyslots"]["0"]["kdf"] = argon2("argon2id"); });
  add("argon2i", [](json& j) { j["keyslots"]["0"]["kdf"] = argon2("argon2i"); });
  add("sector-4096", [](json& j) { j["segments"]["0"]["sector_size"] = 4096; });
  add("fixed-size", [](json& j) { j["segments"]["0"]["size"] = "4096"; });
  add("cbc-essiv", [](json& j) { j["segments"]["0"]["encryption"] = "aes-cbc-essiv:sha256"; });
  add("priority", [](json& j) { j["keyslots"]["1"]["priority"] = 2; });
  add("token", [](json& j) {
    j["tokens"]["0"] = {
        {"type", "mine"}, {"keyslots", json::array({"0"})}, {"more", {1, 2.5, nullptr}}};
  });
  add("unbound", [](json& j) { j["digests"]["0"]["keyslots"] = json::array({"0"}); });
  add("flags", [](json& j) { j["config"]["flags"] = json::array({"allow-discards"}); });
  add("requirement", [](json& j) {
    j["config"]["requirements"] = {{"mandatory", json::array({"online-reencrypt"})}};
  });
  add("integrity", [](json& j) {
    j["segments"]["0"]["integrity"] = {
        {"type", "hmac(sha256)"}, {"journal_encryption", "none"}, {"journal_integrity", "none"}};
  });
  return all;
}

// One of each kind that is accepted.
void write_uris(const fs::path& folder) {
  int number = 0;
  for (const char* uri :
       {"/srv/disk.img", "file:///a%20b", "nbd://host:10809/export",
        "nbds://user@[::1]/?tls-psk-file=/k&tls-certificates=/c",
        "nbd+unix:///export?socket=/s%20t", "nbds+vsock://u@2:1/e?tls-psk-file=/k",
        "https://user:p%40ss@host:8443/x", "ssh://u:p@host/x?identity=/i%25&known-hosts=/k",
        "nbdkit:curl?url=http%3A%2F%2Fu%3Ap%40h%2Fx&cookie=a&cainfo=/ca",
        "nbdkit:ssh?host=h&path=/x&password=%2B/file", "qemu:qcow2:/a b,c", "qemu:raw:rbd:p/i@s"}) {
    write(folder / std::to_string(number++), uri);
  }
}

// Files that are good, with every key and several ways to write one.
void write_configs(const fs::path& folder) {
  const std::string service = "[service]\nlisten = [\"unix:/run/nbd.sock\"]\n";
  const std::string an_export =
      "[[export]]\nname = \"a\"\nheader = \"/h\"\npayload = \"/p\"\nsecret = \"/s\"\n";
  write(folder / "smallest", service + an_export);
  write(folder / "inline",
        "export = [{name = 'a', header = '/h', payload = '/p', secret = '/s'}]\n"
        "service = {listen = ['unix:/run/nbd.sock']}\n");
  write(folder / "tls",
        "[service]\nlisten = [\"tcp:0.0.0.0:10809\"]\nstatus = \"/s\"\ntls = \"require\"\n"
        "tls-certificates = \"/c\"\ntls-verify-peer = true\nthreads = 8\ndefault = \"a\"\n"
        "insecure = false\n" +
            an_export);
  write(folder / "every-key",
        service + an_export +
            "secret-offset = \"1k\"\nsecret-size = 64\npassphrase = [\"+/p\"]\nkeyslot = 1\n"
            "payload-offset = \"2048s\"\nkdf-memory-max = \"1G\"\nkdf-iterations-max = 9\n"
            "require-luks = 2\nrequire-uuid = \"u\"\nrequire-cipher = \"c\"\n"
            "header-sha256 = \"" +
            std::string(64, 'a') +
            "\"\nreconnect-timeout = 1\ndiscard = true\nlock = false\nreadonly = true\n");
  write(folder / "secrets", service +
                                "[[export]]\nname = \"\\u00e9\"\nheader = [\"/h\", \"nbd://h/\"]\n"
                                "payload = \"qemu:qcow2:/p\"\n"
                                "secret = [\"credential:c\", \"token:\", [\"exec:/x\", \"y\"]]\n"
                                "[[export]]\nname = '''b'''\nheader = \"/h\"\npayload = \"/q\"\n"
                                "volume-key = \"/k\" # why\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const fs::path folder = argv[1];
  for (const auto& [name, document] : metadata()) {
    const std::string text = document.dump();
    write(folder / "luks2_json" / name, text);
    write(folder / "open" / name, text);
    const luksdetached::testing::Bytes image = fuzz::luks2_volume().bytes(text);
    write(folder / "luks2_header" / name,
          as_text(std::span(image).first(512)) +
              as_text(std::span(image).subspan(fuzz::copy_bytes, 512)) + text);
  }
  const luksdetached::testing::Bytes luks1 = fuzz::luks1_volume();
  const std::string header =
      as_text(std::span(luks1).first(luksdetached::testing::luks1::header_bytes));
  write(folder / "luks1_header" / "plain", header);
  write(folder / "open" / "luks1", "\1" + header);
  write_uris(folder / "uri");
  write_configs(folder / "config");
  return 0;
}
