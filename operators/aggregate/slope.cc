// slope: by how much a customer's closed periods rise or fall from one to the next: the slope of the least-squares line
// through their counts (or totals of a field); null below two periods. With x = 0 .. k-1 the slope is
// (k * sum xy - sum x * sum y) / (k * sum x^2 - (sum x)^2); the numerator is kept as an integer.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSlopeAggregate = {
    .name = "slope",
    .meaning = "least-squares slope from one period to the next; null below two periods",
    .shape = AggregateShape::kPeriods,
    .needs_field = false,
    .allows_field = true,
    .of_periods =
        [](const PeriodSeries& series, const AggregateOptions&, double unit) {
          const auto k = static_cast<int64_t>(series.closed.size());
          if (k < 2) return std::numeric_limits<double>::quiet_NaN();
          __int128_t xy = 0, y = 0;
          for (int64_t x = 0; x < k; ++x) {
            xy += static_cast<__int128_t>(x) * series.closed[x];
            y += series.closed[x];
          }
          const __int128_t numerator = 2 * xy - static_cast<__int128_t>(k - 1) * y;
          // (k * sum x^2 - (sum x)^2) * 2 / k = k (k^2 - 1) / 6
          return static_cast<double>(numerator) * 6 / static_cast<double>(k * (k * k - 1)) / unit;
        },
};

}  // namespace ebb
