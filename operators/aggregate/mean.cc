// mean: the average of a field over the events that have it. Cells: total, number.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kMeanAggregate = {
    .name = "mean",
    .meaning = "total / number; null without events",
    .additive = true,
    .words = 2,
    .lift =
        [](int64_t* cells, int64_t value, TimeMs, DurationMs) {
          cells[0] += value;
          cells[1] += 1;
        },
    .lower =
        [](const int64_t* cells, double unit) {
          if (cells[1] == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(cells[0]) / unit / static_cast<double>(cells[1]);
        },
};

}  // namespace ebb
