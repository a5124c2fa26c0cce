// One history: a seed makes a configuration, in which each kind of fault is on or off, and everything that happens.
// First come records and faults; then the faults end, and everything must be committed within bounds.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/simulation/scheduler.h"

namespace ebb {

// By name: numbers of tasks, sources, processes, appends to each log, milliseconds with faults; of a kind of fault 1
// when it is on.
using Sizes = std::map<std::string, int64_t>;
inline constexpr const char* kCounts[] = {"tasks", "sources", "processes", "appends", "faults_ms"};
// Beside the sizes: N > 0 lets all that follows the configuration happen by another chance.
inline constexpr const char* kAgain = "again";

struct HistoryResult {
  std::string violation;  // empty: none
  FaultCounts counts{};
  int64_t steps = 0;   // of the scheduler
  int64_t epochs = 0;  // committed
  int64_t alerts = 0;
  int64_t records = 0;
  int64_t settled_ms = 0;  // from the end of the faults until all was committed
};

// `most`: what is left of the sizes that the seed makes; what isn't named stays as it is.
HistoryResult RunHistory(uint64_t seed, const Sizes& most, bool trace);
// Of that history.
Sizes HistorySizes(uint64_t seed, const Sizes& most);

}  // namespace ebb
