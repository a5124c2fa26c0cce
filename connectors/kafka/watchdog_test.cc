// A call that takes too long is reported once; one that ends in time isn't.
#include "connectors/kafka/watchdog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace ebb {
namespace {

TEST(WatchdogTest, ReportsTheStuckOnly) {
  std::mutex mutex;
  std::vector<std::string> stuck;
  {
    Watchdog dog([&](const std::string& call, int64_t) {
      const std::lock_guard lock(mutex);
      stuck.push_back(call);
    });
    { const Watchdog::Watch quick(&dog, "quick", 0); }
    const Watchdog::Watch patient(&dog, "patient", 60000);
    const Watchdog::Watch slow(&dog, "slow", 1);
    for (int i = 0; i < 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const std::lock_guard lock(mutex);
      if (!stuck.empty() && i > 20) break;
    }
  }
  EXPECT_EQ(stuck, std::vector<std::string>{"slow"});
}

}  // namespace
}  // namespace ebb
