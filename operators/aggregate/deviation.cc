// deviation: how far the period that has begun is from what is usual for this customer: (value - mean) / spread over
// the closed periods, where the spread is their sample standard deviation. With `robust: true` the median stands for
// the mean and 1.4826 times the median absolute deviation for the spread (Rousseeuw and Croux, JASA 88, 1993). With
// `latest: closed` the newest closed period is compared with those before it. Null with fewer than two periods to
// compare with, and when the spread is 0; `min_spread` is what the spread is at least.
#include <algorithm>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "operators/aggregate/aggregate.h"
#include "operators/aggregate/spread.h"

namespace ebb {
namespace {

using Values = absl::InlinedVector<int64_t, 64>;

// Twice the median.
int64_t TwiceMedian(Values* values) {
  std::sort(values->begin(), values->end());
  const size_t n = values->size();
  return (*values)[(n - 1) / 2] + (*values)[n / 2];
}

}  // namespace

const Aggregate kDeviationAggregate = {
    .name = "deviation",
    .meaning = "(period that has begun - mean) / standard deviation of the closed ones",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .allows_field = true,
    .options = kTakesSpread | kTakesLatest,
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions& options, double unit) {
          std::span<const int64_t> usual = series.closed;
          int64_t value = series.open;
          if (options.latest_closed && !usual.empty()) {
            value = usual.back();
            usual = usual.first(usual.size() - 1);
          }
          if (usual.size() < 2) return std::numeric_limits<double>::quiet_NaN();
          double centre = 0, spread = 0;
          if (options.robust) {
            Values values(usual.begin(), usual.end());
            const int64_t median = TwiceMedian(&values);
            for (int64_t& v : values) v = 2 * v < median ? median - 2 * v : 2 * v - median;
            centre = static_cast<double>(median) / 2;
            spread = 1.4826 * (static_cast<double>(TwiceMedian(&values)) / 4);
          } else {
            const Moments moments = MomentsOf(usual);
            centre = moments.mean;
            spread = moments.spread;
          }
          spread = std::max(spread, options.min_spread * unit);
          if (spread == 0) return std::numeric_limits<double>::quiet_NaN();
          return (static_cast<double>(value) - centre) / spread;
        },
};

}  // namespace ebb
