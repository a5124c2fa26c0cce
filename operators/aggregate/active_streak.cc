// active_streak: in how many periods in a row the customer had an event, counted back from now: the period that has
// begun counts as soon as it has one, and doesn't break the streak before.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kActiveStreakAggregate = {
    .name = "active_streak",
    .meaning = "periods in a row with an event, back from now",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions&, double) {
          size_t streak = 0;
          while (streak < series.closed.size() && series.closed[series.closed.size() - 1 - streak] > 0) ++streak;
          return static_cast<double>(streak + (series.open > 0));
        },
};

}  // namespace ebb
