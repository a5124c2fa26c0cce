// ratio: the number of events for which the condition `part` holds, divided by the number for which `to` holds; null
// when there is none of the latter. Cells: both numbers.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kRatioAggregate = {
    .name = "ratio",
    .meaning = "events for which `part` holds / events for which `to` holds; null when there is none of the latter",
    .needs_field = false,
    .options = kTakesPart | kTakesComparison,
    .additive = true,
    .words = 2,
    .lift =
        [](int64_t* cells, int64_t value, TimeMs, DurationMs) {
          cells[0] += value & 1;
          cells[1] += value >> 1 & 1;
        },
    .lower =
        [](const int64_t* cells, double) {
          if (cells[1] == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(cells[0]) / static_cast<double>(cells[1]);
        },
};

}  // namespace ebb
