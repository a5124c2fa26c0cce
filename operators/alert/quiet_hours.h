// Quiet hours: hours of the customer's own day in which no alert opens or escalates. A customer's clock is an offset
// from UTC, and for some regions a rule of summer time that is fixed here; or the table of a zone, which is a part of
// the plan. Nothing is read of the machine, so the same log gives the same alerts.
#pragma once

#include <cstdint>

#include "engine/stream/time.h"
#include "engine/stream/zone.h"

namespace ebb {

// When clocks stand an hour ahead.
enum class SummerTime : uint8_t {
  kNone,
  kEu,  // from the last Sunday of March to the last Sunday of October, each at 01:00 UTC
  kUs,  // from the second Sunday of March, 02:00 local time, to the first Sunday of November, 02:00 local summer time
};

// Immutable after construction.
struct QuietPlan {
  DurationMs from = 0, to = 0;  // times of the local day, 0 <= x < 24h; equal: no quiet hours. They may span midnight
  DurationMs zone = 0;          // east of UTC
  int zone_register = -1;       // the customer's own, in milliseconds; null or more than 14h away from UTC: `zone`
  SummerTime summer_time = SummerTime::kNone;
  Zone place;  // with changes: its clock is everybody's, and the three above have no meaning
};

// How far a clock is ahead of UTC at `now`, whose offset in winter is `zone`.
DurationMs OffsetAt(TimeMs now, DurationMs zone, SummerTime rule);
// The first instant from `now` on that isn't quiet; `now` itself when it isn't.
TimeMs QuietUntil(const QuietPlan& plan, const double* registers, TimeMs now);

}  // namespace ebb
