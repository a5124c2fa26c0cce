// The intake of a job: reads all logs, and hands each record to the task that owns its key. The next read is always
// from the log that holds the watermark back, so what waits stays little.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/stream/order.h"
#include "engine/task/progress.h"
#include "engine/task/record_intake.h"
#include "engine/task/task.h"

namespace ebb {

struct SourceInput {
  const SourceSchema* schema;
  std::vector<LogInput> logs;  // in the order of their numbers
  int slot_count = 0;          // of a record; 0: one per field of the schema (a decoder may add computed ones)
};

// Confined to its task's thread.
class Intake {
 public:
  Intake(std::vector<SourceInput> sources, const TimeRange& range);

  // Goes on from a commit. FailedPrecondition when the inputs aren't those of the commit.
  absl::Status Restore(const Progress& progress);
  // Reads up to `max_records` from one log into the tasks' batches. FailedPrecondition when a source's first records
  // show that its time unit is declared wrongly.
  absl::Status Step(size_t max_records, std::vector<RecordBatch>* batches);
  // Everything below it has been handed over.
  TimeMs watermark() const;
  bool ended() const;

  // The logs' positions: what is lowest of the read position and the tasks' waiting records.
  std::vector<LogPosition> Positions(const std::vector<const Order*>& orders) const;
  const LogNames& names() const { return names_; }
  int64_t records_read() const { return records_read_; }
  // Share of all logs that has been read, 0..1; negative when unknown.
  double progress() const;

 private:
  RecordIntake* SlowestLog();

  std::vector<RecordIntake> logs_;
  LogNames names_;
  TimeRange range_;
  TimeMs cursor_ = kBeforeTime;  // applied before a restart: not handed over again
  int64_t records_read_ = 0;
  std::vector<RawRecord> raw_;
};

}  // namespace ebb
