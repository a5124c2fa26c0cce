// A process of the engine: a member of the group whose assigned tasks each run on a thread of their own, with the
// product's LiveTask on simulated ports. The loops are those of serve/live_service.cc and serve/task_runner.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/task/live_task.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/kafka_ports.h"

namespace ebb {

// Snapshots of one task, in a place that outlives disks: by epoch.
using Snapshots = std::map<int64_t, StoredState>;

// What all processes of a history share. All outlives them.
struct EngineContext {
  Scheduler* scheduler;
  Network* network;
  Group* group;
  Brokers* brokers;
  Invariants* invariants;
  const std::vector<SourceSchema>* schemas;
  std::vector<std::vector<std::unique_ptr<Input>>> inputs;  // by task and source
  LiveOptions live;                                         // but for the task's number and `skip`
  int64_t skip_offset = -1;          // of source 0, to be left out by hand by whoever starts a task after...
  int64_t skip_from_ms = 0;          // ... this time; -1: nothing
  std::vector<Snapshots> snapshots;  // by task
  std::vector<int> last_process;     // that ran the task
  // Chances, per call.
  StoreFaults store;
  double read_failures = 0;
  double killed_in_commit = 0, paused_in_commit = 0, killed_at_state = 0;
  // In ms of virtual time, a fifth of the product's.
  int64_t timeout_ms = 6000;
  int64_t heartbeat_ms = 200;
  int64_t session_timeout_ms = 2000;
  int64_t snapshot_interval_ms = 0;  // 0: none are made
  int64_t owners = 0;                // deliveries so far
};

// Confined to its task's thread.
class EngineProcess {
 public:
  EngineProcess(EngineContext* context, int number);

  void Start();
  void Kill();
  // Stops in good order; stopped() follows.
  void Drain() { draining_ = true; }
  // The same for good: nothing starts it any more.
  void Retire() { draining_ = retired_ = true; }
  void LosePower();
  void LoseDisk();
  bool running() const { return running_; }
  bool stopped() const { return !running_ || stopped_; }
  bool draining() const { return draining_; }
  Machine& machine() { return machine_; }
  // The task, when it works here and has recovered.
  const LiveTask* Live(int task) const;

 private:
  struct Runner {
    int task;
    Membership membership;
    std::shared_ptr<Thread> thread;
    bool stop = false;
    bool abandon = false;
    bool lived = false;  // in this attempt
    const LiveTask* live = nullptr;
    int64_t snapshot_ms = 0;
  };

  // The member's thread.
  void BeMember(Thread* thread);
  void Beat(Thread* thread);
  void Assigned(const std::vector<int64_t>& tasks);
  void Revoked(Thread* thread, bool lost);
  // Tasks' threads.
  void RunTask(Thread* thread, Runner* runner);
  absl::Status RunOnce(Thread* thread, Runner* runner);
  absl::Status StepUntilStopped(Thread* thread, Runner* runner, LiveTask* task);
  void KeepSnapshots(Thread* thread, Runner* runner, const LiveTask& task);
  void RestoreIfMissing(int task);
  // False when no snapshot is newer than the state.
  bool RestoreNewer(int task);
  int64_t StateEpoch(int task);
  absl::StatusOr<std::vector<LiveSource>> OpenLogs(const PortContext& ports);
  void KillSoon(Fault fault, int64_t within_ms);
  void Ambush(bool at_state);

  EngineContext& context_;
  const int number_;
  const std::string instance_;
  Machine machine_;
  std::map<int, TaskFolder> disk_;
  bool retired_ = false;
  // Of one life.
  bool running_ = false;
  bool draining_ = false;
  bool stopped_ = false;
  int64_t lives_ = 0;
  Membership membership_;
  bool joined_ = false;
  KafkaError verdict_ = KafkaError::kNone;  // of the last heartbeats
  int64_t heard_ms_ = 0;
  std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace ebb
