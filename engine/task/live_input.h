// One log of a live task: what it gave, since when it gives nothing, what a commit must say of it, and the decisions
// that were taken about it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/record_intake.h"

namespace ebb {

struct LiveSource {
  const SourceSchema* schema;  // outlives the task
  std::unique_ptr<LiveLog> log;
  std::unique_ptr<Decoder> decoder;
  int slot_count = 0;  // of a record; 0: one per field of the schema
};

// Confined to its task's thread.
class LiveInput {
 public:
  explicit LiveInput(LiveSource source);

  // Begins where the log begins.
  absl::Status Begin();
  // Goes on from a commit. OutOfRange when the log has the records no more. That they are still the same is checked by
  // the first Read, as far as the log reaches back.
  absl::Status Restore(const LogPosition& position);
  // Repeats decisions that a journal record holds.
  void Repeat(const LogPosition& decided);

  // Reads up to `max_records` into the batch, leaving out what lies below `applied`; returns how many there were.
  // DataLoss when the log isn't the one that the commit has read; Unavailable when retention took the anchor since
  // Restore, which does without it the next time.
  absl::StatusOr<size_t> Read(size_t max_records, int64_t monotonic_ms, TimeMs applied,
                              std::vector<RecordBatch>* batch);
  // Whether the last Read gave nothing because there is nothing, and was at this time.
  bool CaughtUp(int64_t monotonic_ms) const { return empty_since_ms_ >= 0 && read_ms_ == monotonic_ms; }
  // How long it has been so.
  DurationMs CaughtUpFor(int64_t monotonic_ms) const { return monotonic_ms - empty_since_ms_; }
  bool Idle(int64_t monotonic_ms) const {
    return CaughtUp(monotonic_ms) && CaughtUpFor(monotonic_ms) >= schema().time.idle_after;
  }
  // Records that it gave since the last one with a time that counts: they wait, and move no time.
  int64_t untimed_records() const { return untimed_records_; }
  // Decides that no later record stands below `watermark` in the order.
  void RaiseTo(TimeMs watermark);
  // Decides that a record is skipped, unless it was decided before.
  void Skip(const SkippedRecord& skip);

  // Where the log stands when everything below `cursor` has been applied, with all decisions that still count. Never
  // goes back.
  LogPosition Position(TimeMs cursor);
  // The same for an epoch that is done again: where it left the log when it was committed. Records may have been read
  // in other pieces then, and all states of an epoch shall need the same of them.
  LogPosition PositionAgain(TimeMs cursor, const LogPosition& committed);
  // The decisions since the last call of CommitDecisions.
  LogPosition Decided() const;
  void CommitDecisions();

  TimeMs watermark() const { return intake_.clock().watermark(); }
  // Event time is this far behind the append time; unknown before the first record.
  std::optional<DurationMs> lag() const { return lag_; }
  const SourceSchema& schema() const { return intake_.schema(); }
  const RecordIntake& intake() const { return intake_; }
  const LiveLog& live_log() const { return *log_; }

 private:
  // Some records read together that may not all have been applied.
  struct Span {
    Anchor first;
    TimeMs newest_before;  // M at the first
    TimeMs last_effective;
  };

  LiveInput(LiveLog* log, LiveSource&& source);
  // Forgets spans of which all has been applied.
  void ForgetBefore(TimeMs cursor);
  // With the low offset, and what belongs to it, of `low`.
  LogPosition PositionAt(const LogPosition& low);
  // Compares the first of raw_, which was read before, and drops it if it is done.
  absl::Status CheckAnchor();

  LiveLog* log_;  // the intake's
  RecordIntake intake_;
  int64_t start_offset_ = 0;
  std::optional<Anchor> anchor_;  // the last record that was read, or the one that Restore has named
  bool anchor_due_ = false;       // the next record to be read must be that one
  int64_t low_offset_ = 0;        // as Restore said
  LogPosition committed_;         // of the last epoch that was done again
  std::deque<Span> waiting_;
  std::vector<Floor> floors_;  // that a re-read from the low offset needs, by from_offset
  std::vector<SkippedRecord> skipped_;
  std::vector<Floor> decided_floors_;
  std::vector<SkippedRecord> decided_skips_;
  std::optional<DurationMs> lag_;
  int64_t read_ms_ = -1;         // of the last Read
  int64_t empty_since_ms_ = -1;  // of the first Read since then that gave nothing, the log being at its end; -1: not so
  int64_t untimed_records_ = 0;
  std::vector<RawRecord> raw_;
};

}  // namespace ebb
