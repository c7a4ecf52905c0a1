#include "export/unlock_by_tokens.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/option_text.h"

namespace luksdetached {

namespace {

constexpr std::string_view clevis_type = "clevis";

std::string name_of(const luks::Token& token) {
  return "token " + std::to_string(token.id) + " (" + token.type + ")";
}

// The passphrase is what clevis decrypts, without newlines at its end: clevis itself passes it on
// through the shell, which leaves them out.
SecureBuffer ask_clevis(const luks::Token& token, const Warn& warn) {
  if (token.jwe.empty()) {
    throw Error(ErrorKind::unsupported,
                "it holds no message of clevis that this version can read; give the secret of "
                "another key slot");
  }
  try {
    SecureBuffer secret =
        read_secret_program({.arguments = {"clevis", "decrypt"},
                             .what = "clevis decrypt",
                             .input = std::as_bytes(std::span(token.jwe))},
                            [&](const std::string& text) { warn(name_of(token) + ": " + text); });
    std::size_t size = secret.size();
    while (size > 0 && secret.data()[size - 1] == std::byte{'\n'}) --size;
    if (size == 0) throw Error(ErrorKind::usage, "clevis decrypt yields an empty passphrase");
    secret.truncate(size);
    return secret;
  } catch (const Error& error) {
    if (error.errno_code() != ENOENT) throw;
    throw Error(ErrorKind::source_unreachable,
                "the program clevis is not installed (Debian package clevis, for a TPM also "
                "clevis-tpm2)",
                ENOENT);
  }
}

SecureBuffer ask(const luks::Token& token, const Warn& warn) {
  if (token.type == clevis_type) return ask_clevis(token, warn);
  if (token.type == "systemd-recovery") {
    throw Error(ErrorKind::unsupported,
                "this version cannot use tokens of this type, and need not: its recovery key is a "
                "passphrase: give it with " +
                    option_text("passphrase"));
  }
  throw Error(ErrorKind::unsupported,
              "this version cannot use tokens of this type, only those of clevis; give the secret "
              "of another key slot");
}

// The token's key slots that hold the volume's key and may be tried.
std::vector<unsigned> slots_of(const luks::Token& token, const luks::Header& header,
                               std::optional<unsigned> only) {
  std::vector<unsigned> slots;
  for (const luks::Keyslot& slot : header.keyslots) {
    const bool wanted = only ? slot.id == *only : slot.priority > 0;
    const bool named =
        std::find(token.keyslots.begin(), token.keyslots.end(), slot.id) != token.keyslots.end();
    if (wanted && named && slot.bound) slots.push_back(slot.id);
  }
  return slots;
}

luks::Unlocked unlock_by(const luks::Token& token, const std::vector<unsigned>& slots,
                         const luks::Header& header, std::span<const std::byte> image,
                         luks::KdfBudget& budget, const Warn& warn) {
  const SecureBuffer secret = ask(token, warn);
  std::optional<Error> failure;
  for (const unsigned slot : slots) {
    try {
      return luks::unlock(header, image, {&secret, 1}, slot, budget);
    } catch (const Error& error) {
      failure = error;
    }
  }
  throw *failure;
}

}  // namespace

luks::Unlocked unlock_by_tokens(const luks::Header& header, std::span<const std::byte> image,
                                std::optional<unsigned> only, luks::KdfBudget& budget,
                                const Warn& warn) {
  if (header.version == 1) {
    throw Error(ErrorKind::usage,
                option_text("secret", "token:") +
                    " needs a LUKS2 header: LUKS1 has no tokens; give the secret of a key "
                    "slot");
  }
  std::optional<Error> failure;
  std::vector<std::string> failed;
  for (const luks::Token& token : header.tokens) {
    const std::vector<unsigned> slots = slots_of(token, header, only);
    if (slots.empty()) continue;
    try {
      luks::Unlocked unlocked = unlock_by(token, slots, header, image, budget, warn);
      for (const std::string& text : failed) warn(text);
      return unlocked;
    } catch (const Error& error) {
      failed.push_back(name_of(token) + ": " + error.what());
      // What could work another time tells more than what never will.
      if (!failure || failure->kind() == ErrorKind::unsupported) failure = error;
    }
  }
  if (!failure) {
    throw Error(ErrorKind::usage,
                only ? "no token is for key slot " + std::to_string(*only)
                     : "the header has no token for a key slot; give the secret of a key slot");
  }
  std::string message;
  for (const std::string& text : failed) message += (message.empty() ? "" : "; ") + text;
  throw Error(failure->kind(), message, failure->errno_code());
}

}  // namespace luksdetached
