// interarrival_cv: how irregular events come: the sample standard deviation of the gaps between neighbouring events,
// divided by their mean (see Goh and Barabasi, EPL 81, 2008, on burstiness); null below three events, and when all are
// at the same instant. Gaps depend on which events are neighbours, so the events themselves are kept.
#include <limits>

#include "operators/aggregate/aggregate.h"
#include "operators/aggregate/spread.h"

namespace ebb {

const Aggregate kInterarrivalCvAggregate = {
    .name = "interarrival_cv",
    .meaning =
        "standard deviation of the gaps between events / their mean: 0 like clockwork, 1 by chance; null below three "
        "events",
    .shape = AggregateShape::kEvents,
    .needs_field = false,
    .of_events =
        [](std::span<const TimedValue> events, double) {
          if (events.size() < 3 || events.front().time == events.back().time) {
            return std::numeric_limits<double>::quiet_NaN();
          }
          __uint128_t squares = 0;
          for (size_t i = 1; i < events.size(); ++i) squares += Square(events[i].time - events[i - 1].time);
          const auto gaps = static_cast<int64_t>(events.size()) - 1;
          const DurationMs total = events.back().time - events.front().time;
          return SampleSpread(gaps, total, squares) / (static_cast<double>(total) / static_cast<double>(gaps));
        },
};

}  // namespace ebb
