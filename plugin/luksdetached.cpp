// The nbdkit plugin: what nbdkit sees of it. Everything that the callbacks do is in the library; in
// them exceptions become nbdkit_error and errno.
#include "callbacks.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

constexpr const char* description =
    "Serves the plain sectors of a LUKS1 or LUKS2 volume whose header is kept apart\n"
    "from its encrypted payload.";

constexpr const char* config_help =
    "header=URI           (required) Where the LUKS header is. May repeat: the first that\n"
    "                     can be read and unlocks is used.\n"
    "payload=URI          (required) Where the encrypted sectors are.\n"
    "                     URI: a path, file:, nbd://, nbds://, nbd+unix://, nbds+unix://,\n"
    "                     nbd+vsock://, nbds+vsock://, http://, https:// (read-only), ssh://,\n"
    "                     sftp://, nbdkit:PLUGIN?key=value&..., qemu:FORMAT:NAME\n"
    "secret=SECRET        Where key bytes are, used exactly as they are. May repeat.\n"
    "                     SECRET: a path, fd:N, - (standard input), credential:NAME\n"
    "                     (in $CREDENTIALS_DIRECTORY), exec:PATH (what a program writes),\n"
    "                     token: (what the LUKS2 tokens yield)\n"
    "secret-offset=SIZE   Skip so many bytes of each secret.\n"
    "secret-size=SIZE     Use only so many bytes of each secret.\n"
    "passphrase=+FILE     One line of FILE, without its newline. May repeat.\n"
    "passphrase=-         One line from standard input.\n"
    "passphrase=-FD       One line from file descriptor FD.\n"
    "volume-key=SECRET    The volume key itself, when no key slot is left.\n"
    "                     (A secret, a passphrase or the volume key is required.)\n"
    "keyslot=N            Try only key slot N.\n"
    "kdf-memory-max=SIZE  Refuse key slots that need more memory (default 4G).\n"
    "kdf-iterations-max=N Refuse more PBKDF2 iterations (default 100000000).\n"
    "require-luks=1|2     Refuse a header of another version,\n"
    "require-uuid=UUID    of another volume,\n"
    "require-cipher=NAME  with another cipher (as cryptsetup luksDump spells it),\n"
    "header-sha256=HEX    or with another byte (from 0 to the end of the key slot area).\n"
    "payload-offset=SIZE  Where the data begin in the payload (default: as the header says).\n"
    "readonly=true        Never write, and serve read-only.\n"
    "reconnect-timeout=N  Seconds that requests wait for a payload server that went away (default "
    "60).\n"
    "discard=true         Pass discards on and report holes: shows which sectors are in use.\n"
    "lock=false           Do not lock the payload against other writers.\n"
    "insecure=true        Allow remote clients without TLS and servers that are not verified.\n"
    "config=FILE          Many exports from one TOML file, instead of all of the above.";

nbdkit_plugin make_plugin() {
  nbdkit_plugin plugin{};
  plugin.name = "luksdetached";
  plugin.longname = "LUKS with a detached header";
  plugin.version = LUKSDETACHED_VERSION;
  plugin.description = description;
  plugin.config_help = config_help;
  luksdetached::add_start(plugin);
  luksdetached::add_clients(plugin);
  luksdetached::add_requests(plugin);
  return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
