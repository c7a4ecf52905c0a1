// A server of the test in the place of one that the program runs itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "source/nbd_connector.h"
#include "source/uri.h"

namespace luksdetached::testing {

struct OwnServerTraits {
  bool gathers_writes = false;
  bool opens_anew = false;
  /// With it the server belongs to the thread that starts it, as a child does.
  std::function<void()> prepare = nullptr;
};

/// Passes calls on to an address; what it is asked about itself is as the test says.
class OwnServer final : public NbdConnector {
 public:
  OwnServer(const std::string& uri, OwnServerTraits traits)
      : address_(parse_uri(uri), NbdHoles::unwanted), traits_(std::move(traits)) {}

  const std::string& name() const noexcept override { return address_.name(); }
  void prepare() override {
    if (traits_.prepare) traits_.prepare();
  }
  bool renews_server() const noexcept override { return traits_.prepare != nullptr; }
  bool gathers_writes() const noexcept override { return traits_.gathers_writes; }
  bool opens_anew() const noexcept override { return traits_.opens_anew; }
  std::unique_ptr<NbdConnection> connect(const NbdDeadlines& deadlines) override {
    return address_.connect(deadlines);
  }

 private:
  NbdAddress address_;
  OwnServerTraits traits_;
};

}  // namespace luksdetached::testing
