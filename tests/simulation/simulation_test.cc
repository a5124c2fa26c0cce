// The delivery protocol under simulation: tasks of the product in several processes on simulated Kafka, disks and
// clocks, with faults at every step. One seed is one history. As a test it runs a sample; on its own:
//   simulation_test --seeds N [--first S]    further histories, with counts of all fault points
//   simulation_test --seed S [--trace]       one history, told
//   simulation_test --seed S --shrink        a smaller history with the same violation
//   simulation_test --seed S --most SIZES    the history with less of it, as --shrink names it
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/simulation/history.h"
#include "tests/simulation/shrink.h"

namespace ebb {
namespace {

constexpr uint64_t kSample = 400;

struct Totals {
  FaultCounts counts{};
  int64_t steps = 0, epochs = 0, alerts = 0, records = 0, settled_ms = 0, slowest_ms = 0;

  void Add(const HistoryResult& result) {
    for (size_t f = 0; f < kFaults; ++f) counts[f] += result.counts[f];
    steps += result.steps;
    epochs += result.epochs;
    alerts += result.alerts;
    records += result.records;
    settled_ms += result.settled_ms;
    slowest_ms = std::max(slowest_ms, result.settled_ms);
  }
};

// For whoever looks for the history in which the product aborts itself.
uint64_t running_seed = 0;
void NameSeed(int) {
  fmt::print("the process ended in seed {}\n", running_seed);
  std::fflush(stdout);
}

// Runs the seeds in turn; false, with the seed, at the first violation.
bool RunSeeds(uint64_t first, uint64_t seeds, const Sizes& most, bool trace, Totals* totals) {
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    running_seed = seed;
    const HistoryResult result = RunHistory(seed, most, trace);
    totals->Add(result);
    if (!result.violation.empty()) {
      fmt::print("violation with seed {}: {}\nto see it: ./test --seed {}{}{} --trace\n", seed, result.violation, seed,
                 most.empty() ? "" : " --most ", SizesText(most));
      return false;
    }
  }
  return true;
}

// What there is.
std::string OnText(Sizes sizes) {
  std::erase_if(sizes, [](const auto& size) { return size.second == 0; });
  return SizesText(sizes);
}

std::string LengthText(const Violated& found) {
  if (found.steps == 0) return "a history that ends the process";
  return fmt::format("{} steps, {} records", found.steps, found.records);
}

// False when nothing is violated.
bool ShrinkSeed(uint64_t seed, const Sizes& most) {
  const std::optional<Violated> found = RunApart(seed, most);
  if (!found.has_value()) {
    fmt::print("nothing is violated with seed {}\n", seed);
    return false;
  }
  const Violated least = Shrink(seed, *found);
  fmt::print("shrunk from {} to {}\n  {}\n  to {}\nviolation: {}\n", LengthText(*found), LengthText(least),
             OnText(HistorySizes(seed, most)), OnText(HistorySizes(seed, least.most)), least.violation);
  fmt::print("to see it: ./test --seed {} --most {} --trace\n", seed, SizesText(least.most));
  return true;
}

void Print(uint64_t seeds, const Totals& totals) {
  const double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  const auto count = static_cast<double>(seeds);
  fmt::print("{} histories, {:.2f} ms of CPU each; {} steps, {} records, {} epochs, {} alerts\n", seeds,
             1000 * cpu / count, totals.steps, totals.records, totals.epochs, totals.alerts);
  fmt::print("all committed {:.0f} ms of virtual time after the faults ended, at most {} ms\n",
             static_cast<double>(totals.settled_ms) / count, totals.slowest_ms);
  for (size_t f = 0; f < kFaults; ++f) {
    fmt::print("{:>9}  {}\n", totals.counts[f], FaultName(static_cast<Fault>(f)));
  }
}

TEST(SimulationTest, Sample) {
  Totals totals;
  ASSERT_TRUE(RunSeeds(0, kSample, {}, false, &totals));
  Print(kSample, totals);
  EXPECT_GT(totals.alerts, 0);
  for (size_t f = 0; f < kFaults; ++f) EXPECT_GT(totals.counts[f], 0) << FaultName(static_cast<Fault>(f));
}

// One history is the same however often it is run.
TEST(SimulationTest, OneSeedIsOneHistory) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const HistoryResult first = RunHistory(seed, {}, false), second = RunHistory(seed, {}, false);
    EXPECT_EQ(first.counts, second.counts);
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.alerts, second.alerts);
  }
}

// What is left out of a history changes nothing else of its configuration.
TEST(SimulationTest, LessOfAHistory) {
  const Sizes all = HistorySizes(7, {});
  for (const auto& [name, size] : all) {
    Sizes less = all;
    less[name] = std::min<int64_t>(size, name == "faults_ms" ? 100 : 1);
    EXPECT_EQ(HistorySizes(7, {{name, less[name]}}), less) << name;
    EXPECT_EQ(RunHistory(7, {{name, less[name]}}, false).violation, "") << name;
  }
  EXPECT_EQ(ParseSizes(SizesText(all)), all);
}

int Main(int count, char** arguments) {
  std::signal(SIGABRT, NameSeed);
  uint64_t seeds = 0, first = 0;
  bool one = false, trace = false, shrink = false;
  Sizes most;
  for (int i = 1; i < count; ++i) {
    const bool has_value = i + 1 < count;
    if (std::strcmp(arguments[i], "--seeds") == 0 && has_value) {
      seeds = std::strtoull(arguments[++i], nullptr, 10);
    } else if (std::strcmp(arguments[i], "--first") == 0 && has_value) {
      first = std::strtoull(arguments[++i], nullptr, 10);
    } else if (std::strcmp(arguments[i], "--seed") == 0 && has_value) {
      one = true;
      first = std::strtoull(arguments[++i], nullptr, 10);
    } else if (std::strcmp(arguments[i], "--most") == 0 && has_value) {
      const std::optional<Sizes> parsed = ParseSizes(arguments[++i]);
      if (!parsed.has_value()) {
        fmt::print("--most is NAME=NUMBER,...\n");
        return 2;
      }
      most = *parsed;
    } else if (std::strcmp(arguments[i], "--trace") == 0) {
      trace = true;
    } else if (std::strcmp(arguments[i], "--shrink") == 0) {
      shrink = true;
    }
  }
  if (one && shrink) return ShrinkSeed(first, most) ? 0 : 1;
  if (one) seeds = 1;
  if (seeds == 0) return RUN_ALL_TESTS();
  Totals totals;
  const bool good = RunSeeds(first, seeds, most, trace, &totals);
  if (good) Print(seeds, totals);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace ebb

int main(int count, char** arguments) {
  // Histories make and drop tasks by the thousand: their memory is kept for the next one.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::testing::InitGoogleTest(&count, arguments);
  return ebb::Main(count, arguments);
}
