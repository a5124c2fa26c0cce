// session_recency: the time since the last event of the newest session that is over; null when there is none in the
// window. During a session it tells how long the customer had been away, and how long the visit has lasted, together.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSessionRecencyAggregate = {
    .name = "session_recency",
    .meaning = "duration since the last event of the newest session that is over; null without one",
    .shape = AggregateShape::kSessions,
    .needs_field = false,
    .is_duration = true,
    .options = kTakesGap,
    .of_sessions =
        [](const SessionTotals& s, TimeMs now) {
          if (s.closed_end == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(now - s.closed_end);
        },
};

}  // namespace ebb
