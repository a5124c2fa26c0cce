// bounce_share: the share of the sessions that have one event only; null without sessions.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kBounceShareAggregate = {
    .name = "bounce_share",
    .meaning = "share of the sessions that have one event; null without sessions",
    .shape = AggregateShape::kSessions,
    .needs_field = false,
    .options = kTakesGap,
    .of_sessions =
        [](const SessionTotals& s, TimeMs) {
          if (s.count == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(s.bounces) / static_cast<double>(s.count);
        },
};

}  // namespace ebb
