// sum: the total of a field, 0 when there is no event. Kept as an integer, so that nothing drifts when tiles leave.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSumAggregate = {
    .name = "sum",
    .meaning = "total",
    .additive = true,
    .words = 1,
    .lift = [](int64_t* cells, int64_t value, TimeMs, DurationMs) { cells[0] += value; },
};

}  // namespace ebb
