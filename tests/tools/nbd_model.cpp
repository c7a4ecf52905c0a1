// nbd_model URI SECTOR-SIZE CONNECTIONS REQUESTS MODEL: makes requests at random on each of so many
// connections to an export, at once, and checks every byte that it reads. What the export must hold
// at the end goes to the file MODEL, unless the export takes trims: then not every byte is known.
#include <libnbd.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <string_view>

#include "model_workload.h"

namespace {

using namespace luksdetached::testing;

class Connection final : public WorkloadClient {
 public:
  explicit Connection(const char* uri) : nbd_(nbd_create()) { must(nbd_connect_uri(nbd_, uri)); }
  ~Connection() override {
    nbd_shutdown(nbd_, 0);
    nbd_close(nbd_);
  }

  std::uint64_t size() { return static_cast<std::uint64_t>(must(nbd_get_size(nbd_))); }
  bool can_trim() { return must(nbd_can_trim(nbd_)) == 1; }

  void read(std::span<std::byte> to, std::uint64_t offset) override {
    must(nbd_pread(nbd_, to.data(), to.size(), offset, 0));
  }
  void write(std::span<const std::byte> from, std::uint64_t offset, bool durable) override {
    must(nbd_pwrite(nbd_, from.data(), from.size(), offset, durable ? LIBNBD_CMD_FLAG_FUA : 0));
  }
  void zero(std::uint64_t length, std::uint64_t offset) override {
    must(nbd_zero(nbd_, length, offset, 0));
  }
  void trim(std::uint64_t length, std::uint64_t offset) override {
    must(nbd_trim(nbd_, length, offset, 0));
  }
  void flush() override { must(nbd_flush(nbd_, 0)); }

 private:
  template <typename Result>
  static Result must(Result result) {
    if (result == -1) throw std::runtime_error(nbd_get_error());
    return result;
  }

  nbd_handle* nbd_;
};

unsigned number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
    throw std::runtime_error("not a number: " + std::string(text));
  }
  return value;
}

void run(const char* uri, unsigned sector_size, unsigned connections, unsigned requests,
         const char* model_path) {
  std::vector<std::unique_ptr<Connection>> clients;
  for (unsigned i = 0; i < connections; ++i) clients.push_back(std::make_unique<Connection>(uri));
  const bool trims = clients[0]->can_trim();
  const unsigned seed = std::random_device()();
  std::printf("seed %u, %s trims\n", seed, trims ? "with" : "without");
  Workload workload(clients[0]->size(), sector_size, connections,
                    trims ? Workload::Trims::yes : Workload::Trims::no, seed);
  clients[0]->zero(workload.model().size(), 0);
  run_workers(workload, connections, requests,
              [&](unsigned worker) -> Connection& { return *clients[worker]; });
  workload.check(*clients[0]);
  if (trims) return;
  clients[0]->read(workload.model(), 0);  // the contested bytes are whatever they are
  std::ofstream model(model_path, std::ios::binary);
  model.write(reinterpret_cast<const char*>(workload.model().data()),
              static_cast<std::streamsize>(workload.model().size()));
  if (!model.flush()) throw std::runtime_error("cannot write the model");
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 6) throw std::runtime_error("needs URI SECTOR-SIZE CONNECTIONS REQUESTS MODEL");
    run(arguments[1], number(arguments[2]), number(arguments[3]), number(arguments[4]),
        arguments[5]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nbd_model: %s\n", error.what());
    return 1;
  }
}
