// silent_streak: how many closed periods in a row were without an event, counted back from now; 0 when the period that
// has begun has one. The periods before the customer's first event don't count.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSilentStreakAggregate = {
    .name = "silent_streak",
    .meaning = "closed periods in a row without an event, back from now; 0 when the period that has begun has one",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions&, double) {
          size_t streak = 0;
          while (series.open == 0 && streak < series.closed.size() &&
                 series.closed[series.closed.size() - 1 - streak] == 0) {
            ++streak;
          }
          return static_cast<double>(streak);
        },
};

}  // namespace ebb
