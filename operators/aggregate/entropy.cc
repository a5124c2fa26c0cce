// entropy: how evenly events are spread over the values of a field: -sum p ln p (Shannon, 1948), in nats; 0 when all
// have the same value, ln k when k values are equally frequent, null without values. Summed from the rarest to the most
// frequent, so that the bits don't depend on what the values are.
#include <algorithm>
#include <limits>

#include "engine/base/math.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kEntropyAggregate = {
    .name = "entropy",
    .meaning =
        "-sum p ln p over the shares p of the values: 0 when all are the same, ln k when k are equally frequent; null "
        "without values",
    .shape = AggregateShape::kTally,
    .allows_text = true,
    .error = "rounding of doubles",
    .of_items =
        [](std::span<ItemCount> items, const AggregateOptions&, double) {
          if (items.empty()) return std::numeric_limits<double>::quiet_NaN();
          std::sort(items.begin(), items.end(),
                    [](const ItemCount& a, const ItemCount& b) { return a.count < b.count; });
          int64_t number = 0;
          for (const ItemCount& item : items) number += item.count;
          double entropy = 0;
          for (const ItemCount& item : items) {
            const double share = static_cast<double>(item.count) / static_cast<double>(number);
            entropy = entropy - share * PortableLog(share);
          }
          return entropy;
        },
};

}  // namespace ebb
