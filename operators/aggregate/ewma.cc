// ewma: the exponentially weighted moving average (Roberts, Technometrics 1, 1959) of a customer's closed periods: it
// begins with the oldest, then for each m becomes m + alpha * (value - m). Null without closed periods.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kEwmaAggregate = {
    .name = "ewma",
    .meaning = "moving average: begins with the oldest period, then m + `alpha` * (value - m)",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .allows_field = true,
    .options = kTakesAlpha,
    .error = "rounding of doubles",
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions& options, double unit) {
          if (series.closed.empty()) return std::numeric_limits<double>::quiet_NaN();
          double mean = static_cast<double>(series.closed[0]);
          for (int64_t value : series.closed.subspan(1)) {
            mean = mean + options.alpha * (static_cast<double>(value) - mean);
          }
          return mean / unit;
        },
};

}  // namespace ebb
