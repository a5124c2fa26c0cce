// Effective times: see the header for the rule.
#include "engine/stream/clock.h"

#include <algorithm>

namespace ebb {

void LogClock::Stamp(Record* record) {
  record->newest_before = newest_;
  record->late = false;
  const TimeMs floor = watermark();
  if (record->fate == Fate::kTombstone) {
    record->time = record->effective = newest_;
    return;
  }
  const bool timed = record->fate == Fate::kUse || record->fate == Fate::kFilter;
  if (timed && spec_->max_jump && newest_ != kBeforeTime && record->time > newest_ + *spec_->max_jump) {
    record->fate = Fate::kQuarantine;
    record->reason = Reason::kTimeJump;
  } else if (timed && record->time < floor) {
    record->late = true;
    if (spec_->quarantine_late && record->fate == Fate::kUse) {
      record->fate = Fate::kQuarantine;
      record->reason = Reason::kLate;
    }
  }
  if (record->fate == Fate::kQuarantine || !timed) {
    record->effective = floor;
    return;
  }
  record->effective = std::max(record->time, floor);
  newest_ = std::max(newest_, record->time);
}

}  // namespace ebb
