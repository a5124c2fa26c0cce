// recency: how long ago the newest event was; null when there was none. Cell: its time.
#include <algorithm>
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kRecencyAggregate = {
    .name = "recency",
    .meaning =
        "duration since the newest event; null if there never was one. With `where`: since the newest for which it "
        "holds",
    .shape = AggregateShape::kPoint,
    .needs_field = false,
    .is_duration = true,
    .words = 1,
    .lift = [](int64_t* cells, int64_t, TimeMs time, DurationMs) { cells[0] = std::max(cells[0], time); },
    .read =
        [](const int64_t* cells, TimeMs now, double, DurationMs) {
          return cells[0] == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(now - cells[0]);
        },
};

}  // namespace ebb
