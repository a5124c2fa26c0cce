// The intake of a live task: which log is read next, and when a log that gives nothing stops holding the watermark.
//
// The next read is from the log that holds the watermark back. When it has nothing for now, others are read ahead, as
// long as what waits stays within a budget.
//
// A log that has been at its end for its source's idle_after is idle. Idle logs are raised to the watermark of those
// that are not. When all are idle, live time goes on by the wall clock: to where the most live of the logs would stand
// if a record of its usual lag had come idle_after ago. Data of the past, loaded today, have a large lag, so their time
// does not jump to the present. Each raise is a decision, which the journal keeps.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/live_input.h"
#include "engine/task/task.h"

namespace ebb {

struct LiveClocks {
  int64_t wall_ms;       // since 1970, UTC
  int64_t monotonic_ms;  // from any origin
};

// Confined to its task's thread.
class LiveIntake {
 public:
  explicit LiveIntake(std::vector<LiveSource> sources /*by ordinal*/);

  absl::Status Begin();
  // FailedPrecondition when the logs aren't those of the commit; OutOfRange when records to read again are gone.
  absl::Status Restore(const std::vector<LogPosition>& positions, TimeMs cursor);
  void Repeat(const std::vector<LogPosition>& decided);
  // FailedPrecondition, with the names, when the positions are of other logs.
  absl::Status CheckSameLogs(const std::vector<LogPosition>& positions) const;

  // Reads up to `max_records` from the log with the lowest watermark below `until` that has some; returns how many.
  // With `ahead` false, a log is read only when it holds the watermark.
  absl::StatusOr<size_t> Read(size_t max_records, TimeMs until, bool ahead, int64_t monotonic_ms, RecordBatch* batch);
  // Takes the idle decisions of this moment. A log that has given more than `max_untimed` records without a time counts
  // as idle, too, but time doesn't go on by the wall clock then. Returns the wall clock if time went on by it, else 0.
  int64_t DecideIdle(const LiveClocks& clocks, int64_t max_untimed);
  void Skip(uint16_t source, const SkippedRecord& skip) { inputs_[source].Skip(skip); }

  // Everything below it has been read.
  TimeMs watermark() const;
  // The log that holds it back.
  const LiveInput& Holder() const;
  std::vector<LogPosition> Positions(TimeMs cursor);
  // Of an epoch that is done again: where it left the logs when it was committed.
  std::vector<LogPosition> PositionsAgain(TimeMs cursor, const std::vector<LogPosition>& committed);
  // The same, with the decisions since the last call of CommitDecisions instead of those that still count.
  std::vector<LogPosition> Decided(const std::vector<LogPosition>& positions) const;
  void CommitDecisions();

  const LogNames& names() const { return names_; }
  const std::vector<LiveInput>& inputs() const { return inputs_; }

 private:
  TimeMs WallTime(const LiveClocks& clocks) const;

  std::vector<LiveInput> inputs_;  // by ordinal of the source
  LogNames names_;
  TimeMs applied_ = kBeforeTime;
  std::vector<LiveInput*> by_watermark_;
  std::vector<RecordBatch> batches_;
};

}  // namespace ebb
