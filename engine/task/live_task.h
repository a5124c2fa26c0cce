// A live task: one partition of every source, one order, one table of rows, one store, one journal, one delivery. Its
// progress is a chain of epochs. An epoch lets everything below its cursor happen; its messages, its journal record and
// the logs' offsets become visible together; only afterwards, from time to time, the state is written. So the state is
// never ahead of what was committed, and a task that fails anywhere is thrown away and built anew: it re-reads the logs
// from the state's low offsets, repeats the decisions of the journal, compares every epoch's digest, and goes on. There
// is no other recovery.
//
// It has no thread and reads no clock: it is stepped like a function.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/delivery.h"
#include "engine/task/journal.h"
#include "engine/task/live_intake.h"
#include "engine/task/meeting.h"
#include "engine/task/recovery.h"
#include "engine/task/state_rows.h"
#include "engine/task/task.h"

namespace ebb {

struct LiveOptions {
  int64_t task = 0;             // number of the partition
  size_t batch_records = 2048;  // read at a time from one log
  // While more than this waits for the watermark, only the log that holds it is read.
  size_t max_waiting_bytes = size_t{256} << 20;
  // After so many records without a usable time a log no longer holds the watermark: its records would wait for ever.
  int64_t max_untimed_records = 10'000;
  // Commits: when messages wait, but not more often than output_spacing; else at commit_interval; and at once when the
  // messages or the unwritten rows pass their limit.
  DurationMs output_spacing = 100;
  DurationMs commit_interval = 3 * kSecond;
  size_t max_message_bytes = size_t{8} << 20;
  size_t max_dirty_bytes = size_t{256} << 20;
  size_t memory_bytes = 0;  // what the task and its store may take; 0: no limit
  // Writes of the state: at state_interval; at quiet_state_interval when nothing was left to read.
  DurationMs state_interval = 30 * kSecond;
  DurationMs quiet_state_interval = kSecond;
  // Records to be left out by hand, unless they have been applied: source and offset.
  std::vector<std::pair<uint16_t, int64_t>> skip;
};

struct LiveParts {
  std::string pipeline;
  std::string fingerprint;
  RowLayout layout;
  std::unique_ptr<Operator> work;
  StateStore* store = nullptr;   // outlives the task
  Delivery* delivery = nullptr;  // outlives the task
  Meeting meeting;               // which the task holds alone
  // Told of each epoch that is done again, before its digest is compared; may be empty.
  std::function<void(int64_t epoch, const std::vector<OutputMessage>& messages)> redone = {};
};

struct StepResult {
  size_t records = 0;       // that were read; with 0, the next step may as well wait a little
  bool committed = false;   // an epoch
  bool recovering = false;  // epochs of before the start are being done again
};

// Whether a task that failed with this needn't be built anew: somebody has to do what the status says first.
bool IsForGood(const absl::Status& status);

// Confined to its task's thread.
class LiveTask {
 public:
  LiveTask(const LiveOptions& options, LiveParts parts, std::vector<LiveSource> sources /*by ordinal*/);

  // Once, before the first Step: takes over the delivery, checks state and journal, loads the rows. What is left to be
  // done again, the first steps do.
  absl::Status Recover();
  // Reads at most one batch, lets everything below the watermark happen, commits and writes the state when it is time.
  // After an error the task is to be thrown away. Clocks never change a result, but what they decide is journalled.
  absl::StatusOr<StepResult> Step(int64_t wall_ms, int64_t monotonic_ms);
  // For a graceful end: commits what was done and writes the state, so that nothing is left to be done again. Does
  // nothing while recovering().
  absl::Status Finish();

  // Until all that was committed has been done again and re-read: only then new decisions can't touch it.
  bool recovering() const { return replayed_ < replay_.size() || intake_.watermark() < reread_to_; }
  size_t epochs_left() const { return replay_.size() - replayed_; }  // to be done again
  const Progress& progress() const { return progress_; }             // as of the last commit
  int64_t state_epoch() const { return state_epoch_; }               // at which the state was written last
  const LiveIntake& intake() const { return intake_; }
  const Task& task() const { return task_; }
  // One number for all rows, equal when all are.
  absl::StatusOr<uint64_t> StateDigest() { return DigestRows({&task_.rows()}, task_.away(), store_); }

 private:
  static constexpr int64_t kLongAgo = INT64_MIN / 4;

  struct Epoch {
    Progress progress;
    JournalRecord record;
    EpochCommit commit;
  };

  absl::Status GoOnFrom(const std::optional<Progress>& state, std::vector<JournalRecord> journal);
  absl::Status CheckShape(const Progress& state) const;
  absl::StatusOr<StepResult> ReplayStep(int64_t monotonic_ms);
  absl::Status FinishReplayed(int64_t monotonic_ms);
  // DataLoss when a log has ended, for long, before what the epoch to be done again has read of it.
  absl::Status CheckStuck(int64_t monotonic_ms);
  absl::Status StepTo(RecordBatch batch, TimeMs watermark);
  absl::Status HoldMeetings(RecordBatch batch, TimeMs watermark);
  absl::StatusOr<StepResult> LiveStep(const LiveClocks& clocks);
  bool CommitDue(int64_t monotonic_ms) const;
  bool StateDue(int64_t monotonic_ms, bool quiet) const;
  // The epoch that ends at `cursor`, up to which the task has been stepped.
  Epoch BuildEpoch(TimeMs cursor, std::vector<LogPosition> logs);
  void AddMessages(Epoch* epoch);
  absl::Status Commit();
  // Writes rows and progress; the task must stand exactly at the last commit.
  absl::Status WriteCommitted(int64_t monotonic_ms);

  const LiveOptions options_;
  const size_t max_dirty_bytes_;  // no more than a quarter of the memory: only rows that are written can leave it
  const TaskIdentity identity_;
  StateStore* const store_;
  Delivery* const delivery_;
  const Meeting meeting_;
  const std::function<void(int64_t, const std::vector<OutputMessage>&)> redone_;
  LiveIntake intake_;
  Task task_;
  Progress progress_;
  Progress base_;                      // ledger and counters of before the start
  TimeMs stepped_ = kBeforeTime;       // the watermark up to which the task was stepped
  std::vector<JournalRecord> replay_;  // epochs to be done again
  size_t replayed_ = 0;                // of those
  TimeMs reread_to_ = kBeforeTime;     // the last committed cursor at the start
  int64_t state_epoch_ = 0;
  int64_t wall_ms_ = 0;               // the wall clock by which time went on last in this epoch; 0: it did not
  std::optional<LiveClocks> anchor_;  // of the first step: a wall clock that is set later changes nothing
  // Monotonic.
  int64_t last_commit_ms_ = kLongAgo;
  int64_t last_state_ms_ = kLongAgo;
  int64_t stuck_since_ms_ = -1;  // -1: not stuck
  absl::Status failed_ = absl::FailedPreconditionError("the task was not recovered");
};

}  // namespace ebb
