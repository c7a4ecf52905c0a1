#include "newer_nbdkit.h"

#include <dlfcn.h>

#include <cstdlib>
#include <memory>

namespace luksdetached {

namespace {

template <typename Function>
Function* find(const char* name) noexcept {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

auto* find_disconnect() noexcept {
  return find<void(int force)>("nbdkit_disconnect");
}

// The caller frees what it returns; null after an error that it has told, "" when there is none.
auto* find_peer_tls_dn() noexcept {
  return find<char*()>("nbdkit_peer_tls_dn");
}

}  // namespace

bool nbdkit_disconnects() noexcept {
  return find_disconnect() != nullptr;
}

void disconnect_client() noexcept {
  // Without force nbdkit would wait for the client to leave.
  constexpr int force = 1;
  if (auto* disconnect = find_disconnect()) disconnect(force);
}

bool nbdkit_tells_subjects() noexcept {
  return find_peer_tls_dn() != nullptr;
}

std::string client_subject() {
  auto* peer_tls_dn = find_peer_tls_dn();
  if (peer_tls_dn == nullptr) return {};
  const std::unique_ptr<char, decltype(&std::free)> subject(peer_tls_dn(), std::free);
  return subject == nullptr ? std::string() : std::string(subject.get());
}

}  // namespace luksdetached
