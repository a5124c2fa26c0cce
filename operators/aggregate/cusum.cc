// cusum: the one-sided cumulative sum (Page, Biometrika 41, 1954) of a customer's closed periods. The older half of
// them (rounded down) says what is usual: mean m and sample standard deviation s; over the newer half the sum grows by
// (m - value) / s - slack, and never falls below 0; with `direction: up` by (value - m) / s - slack. Null with fewer
// than two periods in the older half, and when s is 0; `min_spread` is what s is at least.
#include <algorithm>
#include <limits>

#include "operators/aggregate/aggregate.h"
#include "operators/aggregate/spread.h"

namespace ebb {

const Aggregate kCusumAggregate = {
    .name = "cusum",
    .meaning = "cumulative sum of what is lost (or gained) against the older half of the periods",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .allows_field = true,
    .options = kTakesSpread | kTakesDrift,
    .error = "rounding of doubles",
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions& options, double unit) {
          const size_t half = series.closed.size() / 2;
          if (half < 2) return std::numeric_limits<double>::quiet_NaN();
          const Moments usual = MomentsOf(series.closed.first(half));
          const double spread = std::max(usual.spread, options.min_spread * unit);
          if (spread == 0) return std::numeric_limits<double>::quiet_NaN();
          double sum = 0;
          for (int64_t value : series.closed.subspan(half)) {
            const double drop = (usual.mean - static_cast<double>(value)) / spread;
            sum = std::max(0.0, sum + ((options.upward ? -drop : drop) - options.slack));
          }
          return sum;
        },
};

}  // namespace ebb
