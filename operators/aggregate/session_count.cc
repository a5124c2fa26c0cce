// session_count: the number of sessions, the one that may still go on included.
#include "operators/aggregate/aggregate.h"

namespace ebb {

const Aggregate kSessionCountAggregate = {
    .name = "session_count",
    .meaning = "number of sessions, the current one included",
    .shape = AggregateShape::kSessions,
    .needs_field = false,
    .options = kTakesGap,
    .of_sessions = [](const SessionTotals& s, TimeMs) { return static_cast<double>(s.count); },
};

}  // namespace ebb
