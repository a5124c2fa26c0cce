// session_length: the mean time from the first to the last event of a session; null without sessions.
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSessionLengthAggregate = {
    .name = "session_length",
    .meaning = "mean duration from a session's first to its last event; null without sessions",
    .shape = AggregateShape::kSessions,
    .needs_field = false,
    .is_duration = true,
    .options = kTakesGap,
    .of_sessions =
        [](const SessionTotals& s, TimeMs) {
          if (s.count == 0) return std::numeric_limits<double>::quiet_NaN();
          return static_cast<double>(s.length) / static_cast<double>(s.count);
        },
};

}  // namespace ebb
