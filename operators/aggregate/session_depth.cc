// session_depth: the mean number of events of a session; null without sessions.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSessionDepthAggregate = {
    .name = "session_depth",
    .meaning = "mean number of events of a session; null without sessions",
    .shape = AggregateShape::kSessions,
    .needs_field = false,
    .options = kTakesGap,
    .of_sessions =
        [](const SessionTotals& s, TimeMs) {
          if (s.count == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(s.events) / static_cast<double>(s.count);
        },
};

}  // namespace ebb
