// count: the number of events.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kCountAggregate = {
    .name = "count",
    .meaning = "number of events",
    .needs_field = false,
    .additive = true,
    .words = 1,
    .lift = [](int64_t* cells, int64_t, TimeMs, DurationMs) { cells[0] += 1; },
};

}  // namespace ebb
