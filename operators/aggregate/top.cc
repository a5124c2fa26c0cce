// top: the most frequent value of a number field (with `rank`, the second most frequent, and so on); of equally
// frequent ones the smaller; null when there are fewer values.
#include <algorithm>
#include <limits>
#include <utility>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kTopAggregate = {
    .name = "top",
    .meaning =
        "the most frequent value, with `rank` the second and so on; of equally frequent ones the smaller; null when "
        "there are fewer",
    .shape = AggregateShape::kTally,
    .options = kTakesRank,
    .of_items =
        [](std::span<ItemCount> items, const AggregateOptions& options, double unit) {
          if (static_cast<int>(items.size()) < options.rank) return std::numeric_limits<double>::quiet_NaN();
          std::sort(items.begin(), items.end(), [](const ItemCount& a, const ItemCount& b) {
            return std::pair(-a.count, a.item) < std::pair(-b.count, b.item);
          });
          return static_cast<double>(items[options.rank - 1].item) / unit;
        },
};

}  // namespace ebb
