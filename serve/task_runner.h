// One task of a service on a thread of its own: opens everything, recovers, steps; whatever fails is thrown away as a
// whole and opened anew, a little later each time. Only what can't get better by itself is given up, with the reason.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "config/pipeline.h"
#include "connectors/kafka/connection.h"
#include "connectors/kafka/watchdog.h"
#include "engine/task/live_task.h"
#include "operators/pipeline_operator.h"
#include "serve/event_log.h"
#include "serve/snapshot_writer.h"
#include "serve/status_board.h"

namespace ebb {

// What all tasks of a service share. All outlives the runners.
struct TaskContext {
  const PipelineFile* file;
  const Pipeline* pipeline;
  KafkaConnection connection;
  std::string directory;  // of the state; each task has a folder there
  int32_t tasks = 0;      // of the whole pipeline
  LiveOptions live;       // but for the task's number
  std::string cluster;    // its id
  std::string snapshots;  // directory; empty: none are made
  DurationMs snapshot_interval = 10 * kMinute;
  int timeout_ms = 30000;
  const EventLog* log;
  StatusBoard* board;
  Watchdog* watchdog;
  // Told of the points of a delivery (KafkaDeliveryOptions) and a snapshot (SnapshotWriter), and of restore_begun,
  // restored, state_removed, state_opened, recovery_begun, epoch_redone, recovered, finish_begun and finished; for
  // tests that stop the process there. May be empty.
  std::function<void(std::string_view point)> reached;
};

// Confined to its task's thread.
class TaskRunner {
 public:
  enum class End : uint8_t {
    kFinish,   // commits what was done and writes the state
    kAbandon,  // others may have the task already: commits nothing
  };

  // Starts the thread. `membership` is the assignment's.
  TaskRunner(const TaskContext* context, int32_t task, std::string membership);
  // Abandons the task if it was not stopped.
  ~TaskRunner();
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  // Asks the thread to end; Wait waits for it.
  void Stop(End end);
  void Wait();
  bool refused() const { return refused_; }

 private:
  struct Opened;

  SnapshotOwner Owner() const;
  // Brings the newest snapshot when the task has no state here.
  absl::Status RestoreIfMissing(const std::string& folder);
  // Puts the newest snapshot into the place of a state that is too old to go on from, `why`. False when there is none
  // that is newer than the state.
  absl::StatusOr<bool> RestoreNewer(const absl::Status& why);
  // The newest snapshot after epoch `than`, if there is one, as a store in `folder`, which isn't there.
  absl::StatusOr<std::optional<Snapshot>> Restore(const std::string& folder, int64_t than);
  // Begins a snapshot when it is time, and the one before is done; tells of one that is.
  void KeepSnapshots(Opened* opened);

  void Run();
  absl::Status RunOnce();
  absl::StatusOr<std::unique_ptr<Opened>> Open();
  absl::Status StepUntilStopped(Opened* opened);
  void Show(const Opened& opened);
  void Reached(std::string_view point) const {
    if (context_.reached) context_.reached(point);
  }
  void SetPhase(TaskPhase phase, std::string_view why = "");
  // Returns early when the task is to stop.
  void Pause(int64_t ms);
  bool stopping() const { return stop_; }

  const TaskContext& context_;
  const int32_t task_;
  const std::string membership_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> refused_{false};
  std::atomic<End> end_{End::kFinish};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool lived_ = false;  // in this attempt
  int64_t commits_ = 0, commit_us_ = 0;
  int64_t committed_ms_ = 0;
  int64_t shown_ms_ = 0;
  SnapshotWriter snapshots_;
  std::thread thread_;
};

}  // namespace ebb
