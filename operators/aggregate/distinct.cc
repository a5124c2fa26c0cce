// distinct: how many different values a field had; at most max_items, exact below it.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kDistinctAggregate = {
    .name = "distinct",
    .meaning = "number of different values, at most `max_items`",
    .shape = AggregateShape::kItems,
    .allows_text = true,
};

}  // namespace ebb
