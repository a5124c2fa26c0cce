// share: of the events, the share for which the condition `part` holds: night calls, weekend purchases, one category.
// Null without events. Cells: number, number of the part.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kShareAggregate = {
    .name = "share",
    .meaning = "of the events, the share for which `part` holds; null without events",
    .needs_field = false,
    .options = kTakesPart,
    .additive = true,
    .words = 2,
    .lift =
        [](int64_t* cells, int64_t value, TimeMs, DurationMs) {
          cells[0] += 1;
          cells[1] += value;
        },
    .lower =
        [](const int64_t* cells, double) {
          if (cells[0] == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(cells[1]) / static_cast<double>(cells[0]);
        },
};

}  // namespace ebb
