// What turns one log's raw records into records of the one order: decoding, the log's clock, the place in a task's
// batch. Jobs over files and live tasks use the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/stream/clock.h"
#include "engine/stream/log.h"
#include "engine/stream/order.h"
#include "engine/task/log_position.h"

namespace ebb {

struct TimeRange {
  std::optional<TimeMs> from;  // records before it are filtered
  std::optional<TimeMs> to;    // records after it are filtered; time goes on to it when the logs have ended
};

// What became of one record.
struct Taken {
  TimeMs effective;
  bool timed;   // it has a time that counts: it isn't quarantined
  bool raised;  // its time is the log's newest now
};

// Confined to its task's thread.
class RecordIntake {
 public:
  // `schema` outlives it. `number`: of the log within its source. `slot_count` of a record; 0: one per field.
  RecordIntake(LogInput input, const SourceSchema* schema, int slot_count, uint16_t number);

  // Goes on at a stored position, before the first record; `newest` is M there.
  absl::Status Seek(int64_t offset, TimeMs newest);
  // Decodes and stamps the record, and adds it to the batch of the task that owns its key, unless its effective time is
  // below `applied`. Offsets must ascend; in a log that isn't sparse, by one.
  Taken Take(const RawRecord& raw, const TimeRange& range, TimeMs applied, std::vector<RecordBatch>* batches);
  // Decisions, taken or repeated before the records that they concern are taken. A floor at or below next_offset()
  // takes effect at once.
  void AddFloor(const Floor& floor);
  void AddSkip(const SkippedRecord& skip);
  // Lets floors up to `offset`, before which nothing will come any more, take effect.
  void Reach(int64_t offset);
  // FailedPrecondition when the first records show that the source's time unit is declared wrongly. With `complete`,
  // there will be no further ones to judge by.
  absl::Status CheckUnit(bool complete) const;

  Log& input() { return *input_.log; }
  const Log& input() const { return *input_.log; }
  const SourceSchema& schema() const { return *schema_; }
  uint16_t number() const { return number_; }
  LogClock& clock() { return clock_; }
  const LogClock& clock() const { return clock_; }
  // One past the last record taken.
  int64_t next_offset() const { return next_offset_; }
  // Whether the first times all look like those of another unit.
  bool unit_suspected() const { return timed_records_ == 0 && !unit_guess_.empty(); }

 private:
  void Place(const RawRecord& raw, Record header, std::vector<RecordBatch>* batches);
  Reason DecodeTombstone(const RawRecord& raw);
  void NoteUnit(const Record& header);
  bool IsSkipped(const Record& header) const;

  LogInput input_;
  const SourceSchema* schema_;
  int slot_count_;
  uint16_t number_;
  LogClock clock_;
  int64_t next_offset_ = 0;
  int64_t next_decision_ = INT64_MAX;  // the lowest offset of those below
  std::vector<Floor> floors_;          // not reached yet, by from_offset
  std::vector<SkippedRecord> skips_;   // not passed yet
  int64_t timed_records_ = 0;          // with a usable time, ever
  int64_t untimed_records_ = 0;        // without, before the first usable one
  std::string unit_guess_;             // what the times looked like
  RecordBuilder builder_;
};

}  // namespace ebb
