// One history: a seed makes a configuration, in which each kind of fault is on or off, and everything that happens.
// First come records and faults; then the faults end, and everything must be committed within bounds.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/scheduler.h"

namespace ebb {

struct HistoryResult {
  std::string violation;  // empty: none
  FaultCounts counts{};
  int64_t steps = 0;   // of the scheduler
  int64_t epochs = 0;  // committed
  int64_t alerts = 0;
  int64_t records = 0;
  int64_t settled_ms = 0;  // from the end of the faults until all was committed
};

HistoryResult RunHistory(uint64_t seed, bool trace);

}  // namespace ebb
