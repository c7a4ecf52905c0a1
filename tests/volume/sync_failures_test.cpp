#include "volume/sync_failures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stdexcept>

#include "base/error.h"

namespace luksdetached {
namespace {

using namespace std::chrono_literals;

void fail() {
  throw std::runtime_error("storage");
}

// How a sync that would succeed ends for the client.
std::string outcome(SyncFailures& failures, SyncFailures::Witness& client) {
  try {
    failures.run(client, "disk", [] {});
  } catch (const Error& error) {
    return error.what();
  }
  return "done";
}

constexpr const char* told =
    "an earlier flush of disk to its storage failed: what was written before it may be lost";

TEST(SyncFailures, TellEveryClientThatWasThereOnce) {
  SyncFailures failures;
  SyncFailures::Witness first(failures), second(failures);
  EXPECT_THROW(failures.run(first, "disk", fail), std::runtime_error);
  SyncFailures::Witness later(failures);
  EXPECT_EQ(outcome(failures, second), told);
  EXPECT_EQ(outcome(failures, second), "done");
  EXPECT_EQ(outcome(failures, first), "done") << "it was its own";
  EXPECT_EQ(outcome(failures, later), "done") << "it was not there";
}

// A sync that is to end only when told.
struct Held {
  std::promise<void> begun, go_on;
  std::future<void> future = go_on.get_future();
  void operator()() {
    begun.set_value();
    future.get();
  }
};

TEST(SyncFailures, ASyncThatSucceedsWaitsForThoseBesideIt) {
  SyncFailures failures;
  SyncFailures::Witness first(failures), second(failures);
  Held slow;
  auto failing = std::async(std::launch::async, [&] {
    EXPECT_THROW(failures.run(first, "disk", std::ref(slow)), std::runtime_error);
  });
  slow.begun.get_future().get();
  auto beside = std::async(std::launch::async, [&] { return outcome(failures, second); });
  EXPECT_EQ(beside.wait_for(50ms), std::future_status::timeout) << "it did not wait";
  slow.go_on.set_exception(std::make_exception_ptr(std::runtime_error("storage")));
  EXPECT_EQ(beside.get(), told);
  failing.get();
}

TEST(SyncFailures, ASyncDoesNotWaitForThoseThatBeganWhenItHadEnded) {
  SyncFailures failures;
  SyncFailures::Witness client(failures);
  Held slow, later;
  auto first =
      std::async(std::launch::async, [&] { failures.run(client, "disk", std::ref(slow)); });
  slow.begun.get_future().get();
  auto waiting = std::async(std::launch::async, [&] { return outcome(failures, client); });
  EXPECT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
  auto last =
      std::async(std::launch::async, [&] { failures.run(client, "disk", std::ref(later)); });
  later.begun.get_future().get();
  slow.go_on.set_value();
  EXPECT_EQ(waiting.get(), "done");
  EXPECT_EQ(last.wait_for(0s), std::future_status::timeout);
  later.go_on.set_value();
  last.get();
  first.get();
}

}  // namespace
}  // namespace luksdetached
