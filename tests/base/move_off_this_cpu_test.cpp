#include "base/move_off_this_cpu.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "testing.h"

namespace luksdetached {
namespace {

cpu_set_t cpus_of(pthread_t thread) {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(pthread_getaffinity_np(thread, sizeof set, &set), 0);
  return set;
}

void keep_on(pthread_t thread, const cpu_set_t& set) {
  ASSERT_EQ(pthread_setaffinity_np(thread, sizeof set, &set), 0);
}

// Runs until it goes, and says where.
class BusyThread {
 public:
  BusyThread() : thread_([this] { run(); }) {}
  BusyThread(const BusyThread&) = delete;
  BusyThread& operator=(const BusyThread&) = delete;
  ~BusyThread() {
    ending_ = true;
    thread_.join();
  }

  std::thread& thread() { return thread_; }

  // Once it has run after this was called.
  int cpu() {
    cpu_ = -1;
    while (cpu_ < 0) sched_yield();
    cpu_ = -1;
    while (cpu_ < 0) sched_yield();
    return cpu_;
  }

 private:
  void run() {
    while (!ending_) cpu_ = sched_getcpu();
  }

  std::atomic<int> cpu_ = -1;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

TEST(MoveOffThisCpuTest, AThreadThatIsOnTheCallersGoesToAnotherOne) {
  const cpu_set_t allowed = cpus_of(pthread_self());
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "there is one CPU only";
  bool moved = false;
  // The kernel may move the caller at the wrong moment.
  for (int tries = 0; !moved && tries < 10; ++tries) {
    cpu_set_t one;
    CPU_ZERO(&one);
    const int here = sched_getcpu();
    CPU_SET(static_cast<unsigned>(here), &one);
    BusyThread other;
    keep_on(pthread_self(), one);
    keep_on(other.thread().native_handle(), one);
    keep_on(pthread_self(), allowed);
    move_off_this_cpu(other.thread());
    moved = other.cpu() != here;
    if (!moved) continue;
    const cpu_set_t its = cpus_of(other.thread().native_handle());
    EXPECT_TRUE(CPU_EQUAL(&its, &allowed)) << "it may not go back";
  }
  const cpu_set_t callers = cpus_of(pthread_self());
  EXPECT_TRUE(CPU_EQUAL(&callers, &allowed)) << "the caller is bound";
  EXPECT_TRUE(moved);
}

TEST(MoveOffThisCpuTest, WhereThereIsOneCpuItStays) {
  const std::string outcome = testing::in_child([]() -> std::string {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    if (pthread_setaffinity_np(pthread_self(), sizeof one, &one) != 0) return "cannot stay";
    BusyThread other;
    move_off_this_cpu(other.thread());
    return other.cpu() == sched_getcpu() ? "the same" : "another";
  });
  EXPECT_EQ(outcome, "the same");
}

}  // namespace
}  // namespace luksdetached
