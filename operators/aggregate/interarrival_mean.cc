// interarrival_mean: the mean time between events: (newest - oldest) / (number - 1), null below two events. Cells:
// number, oldest, newest.
#include <algorithm>
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

void Join(int64_t* cells, int64_t number, TimeMs oldest, TimeMs newest) {
  cells[1] = cells[0] == 0 ? oldest : std::min(cells[1], oldest);
  cells[2] = cells[0] == 0 ? newest : std::max(cells[2], newest);
  cells[0] += number;
}

}  // namespace

const Aggregate kInterarrivalMeanAggregate = {
    .name = "interarrival_mean",
    .meaning = "duration: (newest - oldest) / (number - 1); null below two events",
    .needs_field = false,
    .is_duration = true,
    .words = 3,
    .lift = [](int64_t* cells, int64_t, TimeMs time, DurationMs) { Join(cells, 1, time, time); },
    .combine =
        [](int64_t* into, const int64_t* other) {
          if (other[0] != 0) Join(into, other[0], other[1], other[2]);
        },
    .lower =
        [](const int64_t* cells, double) {
          if (cells[0] < 2) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(cells[2] - cells[1]) / static_cast<double>(cells[0] - 1);
        },
};

}  // namespace ebb
