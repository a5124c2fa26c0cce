// top_share: the share of the most frequent value of a field among the events that have it (with `rank`, of the second
// most frequent, and so on); null when there are fewer values.
#include <algorithm>
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kTopShareAggregate = {
    .name = "top_share",
    .meaning = "the share of the most frequent value, or of that of `rank`; null when there are fewer",
    .shape = AggregateShape::kTally,
    .allows_text = true,
    .options = kTakesRank,
    .of_items =
        [](std::span<ItemCount> items, const AggregateOptions& options, double) {
          if (static_cast<int>(items.size()) < options.rank) return std::numeric_limits<double>::quiet_NaN();
          std::sort(items.begin(), items.end(),
                    [](const ItemCount& a, const ItemCount& b) { return a.count > b.count; });
          int64_t number = 0;
          for (const ItemCount& item : items) number += item.count;
          return static_cast<double>(items[options.rank - 1].count) / static_cast<double>(number);
        },
};

}  // namespace ebb
