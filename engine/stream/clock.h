// A log's clock: gives each record its place in the one order, from nothing but the records before it in the same log.
//
//   M(r)   = the largest event time at smaller offsets (quarantined records don't count)
//   late   = time < M(r) - disorder
//   eff(r) = max(time, M(r) - disorder)
//
// A tombstone has no time of its own and takes M(r): it comes after the newest record before it.
//
// So the order is a pure function of the logs' contents: batch sizes, threads and restarts can't change it.
#pragma once

#include "engine/stream/record.h"

namespace ebb {

// Confined to its task's thread.
class LogClock {
 public:
  explicit LogClock(const TimeSpec& spec) : spec_(&spec) {}

  // Sets effective time, newest_before and late from record->time, and quarantines it for `late` or `time_jump` where
  // the source says so. Call once for every record in offset order; `record->fate` and `reason` are what decoding
  // found.
  void Stamp(Record* record);

  // M at the read position; kBeforeTime before the first record with a time.
  TimeMs newest() const { return newest_; }
  // Records with a smaller effective time can no longer come from this log.
  TimeMs watermark() const { return newest_ == kBeforeTime ? kBeforeTime : newest_ - spec_->disorder; }
  // Lets M be at least `newest` from the next record on: an idle log no longer holds the watermark.
  void Raise(TimeMs newest) { newest_ = newest > newest_ ? newest : newest_; }
  // Goes on from a stored position.
  void Restore(TimeMs newest) { newest_ = newest; }

 private:
  const TimeSpec* spec_;
  TimeMs newest_ = kBeforeTime;
};

}  // namespace ebb
