// The commands of the program, one file each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edit/kdf_choice.h"
#include "edit/new_volume.h"
#include "new_secret.h"
#include "option_arguments.h"

namespace luksdetached {

/// Exit statuses of the program.
enum ExitStatus : int {
  exit_done = 0,
  exit_refused = 1,        ///< refused or failed
  exit_usage = 2,          ///< wrong usage or config
  exit_wrong_secret = 3,   ///< the secret did not unlock
  exit_not_supported = 4,  ///< valid, but not supported or against policy
};

/// What `inspect`, `test` and `key list` are given.
struct HeaderArguments {
  OptionArguments options;  ///< HEADER and parameters of the plugin
  bool json = false;
};

/// What `status` is given.
struct StatusArguments {
  std::string config;  ///< path of the config file
  bool json = false;
};

/// What `healthcheck` is given.
struct HealthcheckArguments {
  std::string config;              ///< path of the config file
  bool ready = false;              ///< exports must be open too
  std::vector<std::string> names;  ///< which; none: all
};

/// What `key add`, `key change` and `key remove` are given.
struct KeyArguments {
  OptionArguments options;           ///< HEADER and parameters of the plugin
  NewSecretArguments new_secret;     ///< not for remove
  edit::KdfChoice kdf;               ///< of the new key slot
  std::optional<unsigned> slot;      ///< the new key slot, or the one to remove
  std::optional<unsigned> priority;  ///< of the new key slot, as luks::Keyslot::priority
  bool force = false;                ///< remove also the last one
  bool json = false;
};

/// What `header backup` is given.
struct HeaderBackupArguments {
  OptionArguments options;  ///< HEADER and parameters of the plugin
  std::string output;       ///< path of the backup
  bool force = false;       ///< replace an older one
  bool json = false;
};

/// What `header restore` is given.
struct HeaderRestoreArguments {
  OptionArguments options;  ///< HEADER and parameters of the plugin
  std::string input;        ///< URI of the backup
  std::string keep_old;     ///< path for what is there now; empty: beside the header
  bool force = false;       ///< also over what is damaged or another volume's
  bool json = false;
};

/// What `create` is given.
struct CreateArguments {
  OptionArguments options;                  ///< header, payload, secret and limits
  edit::VolumeChoice choice;                ///< but for its sectors
  std::optional<std::size_t> sector_bytes;  ///< nothing: as the payload allows
  std::string payload_size;                 ///< of a payload to be made; empty: it is there
  bool force = false;                       ///< also over what is there
  bool json = false;
};

/// What `encrypt` is given.
struct EncryptArguments {
  CreateArguments volume;  ///< but for the size of its payload
  std::string source;      ///< URI of the plain data
};

/// What `decrypt` is given.
struct DecryptArguments {
  OptionArguments options;  ///< header, payload, secret and limits
  std::string target;       ///< URI of the plain data
  bool force = false;       ///< also over what is there
  bool json = false;
};

/// What `detach` is given.
struct DetachArguments {
  OptionArguments options;   ///< what opens the volume
  std::string volume;        ///< URI
  std::string header;        ///< URI
  std::string payload;       ///< URI; empty: the data stay where they are
  bool wipe_header = false;  ///< overwrite the header in the volume
  bool force = false;        ///< also over what is there
  bool json = false;
};

/// What `attach` is given.
struct AttachArguments {
  OptionArguments options;  ///< header and payload
  std::string volume;       ///< URI
  bool force = false;       ///< also over what is there
  bool json = false;
};

// Each does what a command line asks for, and returns the exit status or throws.

/// `serve CONFIG`: checks the config, then becomes nbdkit; returns only when that failed.
int serve(const std::string& config_path);

/// `config check CONFIG`: prints every mistake.
int check_config(const std::string& config_path);

/// `reload CONFIG`: has the running service follow its config, waits until it does, and a while for
/// its exports; tells which of them are not open then.
int reload(const std::string& config_path);

/// `status CONFIG`: prints the exports of the running service and their states.
int show_status(const StatusArguments& arguments);

/// `healthcheck CONFIG`: does the service answer, and are exports open?
int check_health(const HealthcheckArguments& arguments);

/// `inspect HEADER`: prints what a header says, and what is weak or wrong with it.
int inspect(const HeaderArguments& arguments);

/// `test HEADER`: does a secret unlock it, which key slot, and how long does that take?
int test(HeaderArguments& arguments);

/// `key list HEADER`: prints its key slots.
int list_keys(const HeaderArguments& arguments);

/// `key add HEADER`: makes a key slot that a new secret opens.
int add_key(KeyArguments& arguments);

/// `key change HEADER`: the same, and removes the one that the old secret opens.
int change_key(KeyArguments& arguments);

/// `key remove HEADER`: removes a key slot.
int remove_key(KeyArguments& arguments);

/// `create`: makes the header of a new volume, and its payload.
int create(CreateArguments& arguments);

/// `encrypt SOURCE`: makes a volume that has the plain data of SOURCE.
int encrypt(EncryptArguments& arguments);

/// `decrypt TARGET`: copies the plain data of a volume.
int decrypt(DecryptArguments& arguments);

/// `detach VOLUME`: makes a header and a payload of an ordinary volume.
int detach(DetachArguments& arguments);

/// `attach VOLUME`: makes an ordinary volume of a header and a payload.
int attach(const AttachArguments& arguments);

/// `header backup HEADER`: copies it into a file.
int back_up_header(const HeaderBackupArguments& arguments);

/// `header restore HEADER`: puts a backup in its place.
int restore_header(const HeaderRestoreArguments& arguments);

}  // namespace luksdetached
