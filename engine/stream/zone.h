// The clock of a place, as a table of its changes: plain data, so that what is computed with it depends on nothing that
// the machine knows. config/zones.h makes it of the machine's time zone data.
#pragma once

#include <string>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

// From `from` on clocks are `offset` ahead of UTC.
struct ZoneChange {
  TimeMs from = 0;
  DurationMs offset = 0;
};

// Immutable after construction.
struct Zone {
  std::string name;                 // "Europe/Berlin"
  std::vector<ZoneChange> changes;  // ascending, at least one; before the first its offset holds, too

  DurationMs OffsetAt(TimeMs now) const;
};

}  // namespace ebb
