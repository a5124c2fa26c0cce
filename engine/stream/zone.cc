// Looking up one change.
#include "engine/stream/zone.h"

#include <algorithm>

namespace ebb {

DurationMs Zone::OffsetAt(TimeMs now) const {
  auto next = std::upper_bound(changes.begin(), changes.end(), now,
                               [](TimeMs time, const ZoneChange& change) { return time < change.from; });
  return next == changes.begin() ? next->offset : (next - 1)->offset;
}

}  // namespace ebb
