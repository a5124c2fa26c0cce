// A job: an intake, some tasks, a store and sinks, run over finished logs until their end. Its progress is a chain of
// epochs; each commit makes one: outputs are appended (many of them ahead of it) and synced first, then one batch with
// all changed rows and the progress (which holds the outputs' lengths) goes into the store. A job that is killed
// anywhere goes on from its last commit and gives the same bytes; outputs that a commit didn't cover are cut off.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/state/store.h"
#include "engine/task/intake.h"
#include "engine/task/meeting.h"
#include "engine/task/progress.h"
#include "engine/task/sink.h"
#include "engine/task/state_rows.h"
#include "engine/task/worker.h"

namespace ebb {

struct JobOptions {
  int tasks = 1;
  size_t batch_records = 2048;                // read at a time from one log
  DurationMs commit_interval = 10 * kSecond;  // by a monotonic clock; which instant it is changes no result
  // Of rows and outputs. A commit writes a row once, however often it has changed: fewer and larger ones cost less.
  size_t max_uncommitted_bytes = size_t{2} << 30;
  size_t max_waiting_output_bytes = size_t{8} << 20;  // more go to their sinks ahead of the commit that covers them
  // What all tasks and their store may take together; rows for which there is no room are read from the store when they
  // are needed. 0: all are in memory. Changes no result.
  size_t memory_bytes = 0;
  TimeRange range;
};

struct JobParts {
  std::string pipeline;
  std::string fingerprint;
  RowLayout layout;
  std::function<std::unique_ptr<Operator>()> make_operator;
  StateStore* store = nullptr;  // null: nothing is kept
  Meeting meeting;
};

// Confined to its task's thread.
class Job {
 public:
  Job(const JobOptions& options, JobParts parts, std::vector<SourceInput> sources /*by ordinal*/);

  // Goes on from `resume`, if any: checks that pipeline and inputs are the same, loads the rows.
  absl::Status Start(const std::optional<Progress>& resume);
  // Where lines go from now on; null: they are counted and dropped.
  void SetSinks(const std::array<Sink*, kStreamCount>& sinks) { sinks_ = sinks; }
  // Reads one batch, lets the tasks work, commits when it is time. True when all is done and committed.
  absl::StatusOr<bool> Step();
  // Commits what has been done so far; for a graceful stop.
  absl::Status Commit();

  const Progress& progress() const { return progress_; }  // as of the last commit
  const Intake& intake() const { return intake_; }
  // Only between steps.
  int64_t customers();
  // After the end: every row of every task, in key order.
  absl::Status ForEachRow(const std::function<void(RowRef)>& visit);
  // After the end: one number for the whole state, equal when all rows are.
  absl::StatusOr<uint64_t> StateDigest();

 private:
  absl::Status CheckResume(const Progress& resume) const;
  absl::Status LoadRows();
  // Waits until they have done all that was posted. Their first error.
  absl::Status StopTasks();
  // The first error of a task; they stand still.
  absl::Status TasksFailed();
  bool CommitDue(size_t uncommitted) const;
  absl::Status HoldMeetings(TimeMs watermark, std::vector<RecordBatch>* batches);
  // Every line that waits goes to its sink. The tasks stand still, all at the same watermark.
  absl::Status AppendOutputs();
  absl::Status SyncOutputs();
  void CountInto(Progress* next);
  std::vector<RowTable*> Tables();
  size_t Away();  // customers who are in the store only

  const JobOptions options_;
  const JobParts parts_;
  std::array<Sink*, kStreamCount> sinks_{};
  Intake intake_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Progress progress_;
  Progress base_;                        // ledger and counters of earlier runs
  std::vector<OutputPosition> outputs_;  // of all lines that have been appended, with chain_
  uint64_t chain_ = 0;
  TimeMs posted_ = kBeforeTime;  // watermark of the last batches
  int64_t last_commit_ms_ = 0;   // monotonic
};

}  // namespace ebb
