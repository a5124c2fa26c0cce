// Joining, running tasks, dying.
#include "tests/simulation/engine_process.h"

#include <algorithm>
#include <utility>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// A fifth of the product's.
constexpr int64_t kFirstPauseMs = 50;
constexpr int64_t kLongestPauseMs = 2000;
constexpr int64_t kWaitMs = 20;
constexpr int64_t kPollMs = 40;
constexpr int64_t kRejoinMs = 400;
constexpr size_t kSnapshotsKept = 2;

}  // namespace

EngineProcess::EngineProcess(EngineContext* context, int number)
    : context_(*context),
      number_(number),
      instance_(fmt::format("ebb-{}", number)),
      machine_(context->scheduler, context->scheduler->random().Between(0, 100'000)) {}

// ---- Lives

void EngineProcess::Start() {
  if (running_ || retired_) return;
  context_.scheduler->Trace("{} starts", instance_);
  running_ = true;
  draining_ = stopped_ = joined_ = false;
  ++lives_;
  machine_.Start([this](Thread* thread) { BeMember(thread); });
  machine_.Start([this](Thread* thread) { Beat(thread); });
}

void EngineProcess::Kill() {
  if (!running_) return;
  context_.scheduler->Trace("{} is killed", instance_);
  for (const std::shared_ptr<Thread>& thread : machine_.threads()) {
    if (thread->done()) continue;
    const std::string_view at = thread->at();
    if (at == kAtState) context_.scheduler->Note(Fault::kKilledAtState);
    for (int api = 0; api <= static_cast<int>(Api::kFetchJournal); ++api) {
      if (at != ApiName(static_cast<Api>(api))) continue;
      context_.scheduler->Note(Fault::kKilledInCall);
      const bool commits = api > static_cast<int>(Api::kInitProducer) && api <= static_cast<int>(Api::kEndTransaction);
      if (commits) context_.scheduler->Note(Fault::kKilledInCommit);
    }
  }
  machine_.Kill();
  runners_.clear();
  running_ = false;
}

void EngineProcess::LosePower() {
  Kill();
  for (auto& [task, folder] : disk_) {
    const size_t unsynced = folder.unsynced();
    if (unsynced == 0) continue;
    const auto kept = static_cast<size_t>(context_.scheduler->random().Below(unsynced + 1));
    if (kept < unsynced) context_.scheduler->Note(Fault::kUnsyncedLost);
    folder.LoseUnsynced(kept);
  }
}

void EngineProcess::LoseDisk() {
  Kill();
  disk_.clear();
}

void EngineProcess::KillSoon(Fault fault, int64_t within_ms) {
  const int64_t delay = context_.scheduler->random().Between(0, within_ms);
  context_.scheduler->After(delay, [this, fault, life = lives_] {
    if (!running_ || lives_ != life) return;
    context_.scheduler->Note(fault);
    Kill();
    context_.scheduler->After(context_.scheduler->random().Between(20, 1500), [this] { Start(); });
  });
}

void EngineProcess::Ambush(bool at_state) {
  Scheduler& scheduler = *context_.scheduler;
  if (scheduler.healed()) return;
  if (scheduler.random().Chance(at_state ? context_.killed_at_state : context_.killed_in_commit)) {
    KillSoon(Fault::kKilled, at_state ? 4 : 25);
  } else if (!at_state && scheduler.random().Chance(context_.paused_in_commit)) {
    scheduler.After(scheduler.random().Between(0, 25), [this, life = lives_] {
      if (!running_ || lives_ != life) return;
      context_.scheduler->Note(Fault::kPausedInCommit);
      machine_.Pause(context_.scheduler->random().Between(500, 6000));
    });
  }
}

const LiveTask* EngineProcess::Live(int task) const {
  for (const auto& runner : runners_) {
    if (runner->task == task && runner->live != nullptr && !runner->stop) return runner->live;
  }
  return nullptr;
}

// ---- The member

void EngineProcess::BeMember(Thread* thread) {
  int64_t member = 0;
  while (!draining_) {
    const Reply reply = context_.network->Call(
        thread, Api::kJoinGroup, Brokers::kGroupCoordinator, context_.timeout_ms,
        [group = context_.group, instance = instance_, member] { return group->Join(instance, member); });
    if (reply.error == KafkaError::kInstance) {
      member = 0;
      thread->Sleep(kRejoinMs, "waiting to join");
      continue;
    }
    if (reply.error == KafkaError::kTimedOut) continue;
    if (reply.error == KafkaError::kGeneration) {
      member = 0;
      continue;
    }
    member = reply.number;
    if (reply.error == KafkaError::kRebalancing) {
      thread->Sleep(kPollMs, "waiting to be assigned");
      continue;
    }
    membership_ = {member, reply.second};
    verdict_ = KafkaError::kNone;
    heard_ms_ = machine_.monotonic_ms();
    joined_ = true;
    Assigned(reply.numbers);
    while (!draining_ && verdict_ == KafkaError::kNone) thread->Sleep(kPollMs, "being a member");
    const KafkaError why = verdict_;
    const bool lost = why != KafkaError::kNone && why != KafkaError::kRebalancing;
    context_.scheduler->Note(lost ? Fault::kAssignmentLost : Fault::kRevoked);
    Revoked(thread, lost);
    joined_ = false;
    if (lost) member = 0;
  }
  stopped_ = true;
}

void EngineProcess::Beat(Thread* thread) {
  for (;;) {
    thread->Sleep(context_.heartbeat_ms, "between heartbeats");
    if (!joined_) continue;
    const Membership beaten = membership_;
    const Reply reply = context_.network->Call(
        thread, Api::kHeartbeat, Brokers::kGroupCoordinator, context_.heartbeat_ms,
        [group = context_.group, beaten] { return group->Heartbeat(beaten.member, beaten.generation); });
    if (!joined_ || beaten.generation != membership_.generation || beaten.member != membership_.member) continue;
    const int64_t now = machine_.monotonic_ms();
    if (reply.error == KafkaError::kNone) heard_ms_ = now;
    if (reply.error != KafkaError::kNone && reply.error != KafkaError::kTimedOut) verdict_ = reply.error;
    if (now - heard_ms_ > context_.session_timeout_ms && verdict_ == KafkaError::kNone) {
      verdict_ = KafkaError::kGeneration;
    }
  }
}

void EngineProcess::Assigned(const std::vector<int64_t>& tasks) {
  context_.scheduler->Trace("{} is assigned {} tasks in generation {}", instance_, tasks.size(),
                            membership_.generation);
  for (int64_t number : tasks) {
    const int task = static_cast<int>(number);
    if (context_.last_process[number] >= 0 && context_.last_process[number] != number_) {
      context_.scheduler->Note(Fault::kTaskMoved);
    }
    context_.last_process[number] = number_;
    auto runner = std::make_unique<Runner>();
    runner->task = task;
    runner->membership = membership_;
    runner->thread = machine_.Start([this, of = runner.get()](Thread* thread) { RunTask(thread, of); });
    runners_.push_back(std::move(runner));
  }
}

void EngineProcess::Revoked(Thread* thread, bool lost) {
  context_.scheduler->Trace("{}: revoked{}", instance_, lost ? ", lost" : "");
  for (const auto& runner : runners_) {
    runner->stop = true;
    runner->abandon = lost;
  }
  const auto ended = [](const auto& runner) { return runner->thread->done(); };
  while (!std::all_of(runners_.begin(), runners_.end(), ended)) thread->Sleep(5, "waiting for tasks to end");
  runners_.clear();
}

// ---- A task

void EngineProcess::RunTask(Thread* thread, Runner* runner) {
  int64_t pause = kFirstPauseMs;
  while (!runner->stop) {
    const absl::Status status = RunOnce(thread, runner);
    if (status.ok()) return;
    context_.scheduler->Trace("{}: task {}: {}", instance_, runner->task, status.ToString());
    if (absl::IsOutOfRange(status) && RestoreNewer(runner->task)) continue;
    if (IsForGood(status)) {
      context_.scheduler->Violate(fmt::format("task {} is refused: {}", runner->task, status.ToString()));
      return;
    }
    if (std::exchange(runner->lived, false)) pause = kFirstPauseMs;
    for (int64_t waited = 0; waited < pause && !runner->stop; waited += kFirstPauseMs) {
      thread->Sleep(kFirstPauseMs, "waiting to try again");
    }
    pause = std::min(pause * 2, kLongestPauseMs);
  }
}

absl::StatusOr<std::vector<LiveSource>> EngineProcess::OpenLogs(const PortContext& ports) {
  std::vector<LiveSource> sources;
  for (size_t s = 0; s < context_.schemas->size(); ++s) {
    EBB_ASSIGN_OR_RETURN(
        std::unique_ptr<SimulatedLog> log,
        SimulatedLog::Open(ports, context_.inputs[static_cast<size_t>(ports.task)][s].get(), context_.read_failures));
    sources.push_back({&(*context_.schemas)[s], std::move(log), std::make_unique<MemoryDecoder>()});
  }
  return sources;
}

void EngineProcess::RestoreIfMissing(int task) {
  const Snapshots& snapshots = context_.snapshots[static_cast<size_t>(task)];
  if (!disk_[task].empty() || snapshots.empty()) return;
  context_.scheduler->Note(Fault::kSnapshotRestored);
  disk_[task].Restore(snapshots.rbegin()->second);
}

bool EngineProcess::RestoreNewer(int task) {
  const Snapshots& snapshots = context_.snapshots[static_cast<size_t>(task)];
  if (snapshots.empty() || snapshots.rbegin()->first <= StateEpoch(task)) return false;
  context_.scheduler->Note(Fault::kStateTooOld);
  disk_[task].Restore(snapshots.rbegin()->second);
  return true;
}

int64_t EngineProcess::StateEpoch(int task) {
  if (disk_[task].empty()) return 0;
  const absl::StatusOr<Progress> progress = DecodeProgress(disk_[task].now().progress);
  return progress.ok() ? progress->epoch : 0;
}

absl::Status EngineProcess::RunOnce(Thread* thread, Runner* runner) {
  const int task = runner->task;
  RestoreIfMissing(task);
  SimulatedStore store(
      thread, &disk_[task], context_.store,
      [this, task](const std::string& progress) { context_.invariants->StateWritten(task, progress); },
      [this] { Ambush(true); });
  const PortContext ports{thread, context_.network,    context_.brokers,
                          task,   context_.timeout_ms, [this] { Ambush(false); }};
  EBB_ASSIGN_OR_RETURN(std::vector<LiveSource> sources, OpenLogs(ports));
  SimulatedDelivery delivery(ports, runner->membership, ++context_.owners);
  LiveOptions options = context_.live;
  options.task = task;
  if (context_.skip_offset >= 0 && context_.scheduler->now_ms() >= context_.skip_from_ms) {
    context_.scheduler->Note(Fault::kSkipped);
    options.skip = {{0, context_.skip_offset}};
  }
  LiveParts parts;
  parts.pipeline = "mixing";
  parts.fingerprint = "f";
  parts.layout = MixingLayout();
  parts.work = std::make_unique<MixingOperator>(nullptr);
  parts.store = &store;
  parts.delivery = &delivery;
  LiveTask live(options, std::move(parts), std::move(sources));
  EBB_RETURN_IF_ERROR(live.Recover());
  if (live.epochs_left() > 0) context_.scheduler->Note(Fault::kEpochsRedone);
  context_.scheduler->Trace("{}: task {} recovers from epoch {}, {} to do again", instance_, task, live.state_epoch(),
                            live.epochs_left());
  // `live` ends with this frame, however it is left.
  struct Showing {
    Runner* runner;
    ~Showing() { runner->live = nullptr; }
  } showing{runner};
  return StepUntilStopped(thread, runner, &live);
}

absl::Status EngineProcess::StepUntilStopped(Thread* thread, Runner* runner, LiveTask* task) {
  Random& random = context_.scheduler->random();
  while (!runner->stop) {
    const Standing before(*task);
    EBB_ASSIGN_OR_RETURN(const StepResult step, task->Step(machine_.wall_ms(), machine_.monotonic_ms()));
    context_.invariants->Stepped(runner->task, before, *task, step);
    if (!task->recovering()) {
      runner->live = task;
      runner->lived = true;
    }
    KeepSnapshots(thread, runner, *task);
    thread->Sleep(step.records == 0 ? kWaitMs : random.Between(0, 3), "between steps");
  }
  if (runner->abandon) return absl::OkStatus();
  const bool recovering = task->recovering();
  EBB_RETURN_IF_ERROR(task->Finish());
  if (!recovering && task->progress().epoch > 0) context_.invariants->CompareStanding(runner->task, *task);
  return absl::OkStatus();
}

void EngineProcess::KeepSnapshots(Thread* thread, Runner* runner, const LiveTask& task) {
  if (context_.snapshot_interval_ms == 0 || task.recovering() || task.state_epoch() == 0) return;
  const int64_t now = machine_.monotonic_ms();
  if (now - runner->snapshot_ms < context_.snapshot_interval_ms) return;
  runner->snapshot_ms = now;
  // The state is linked at once; copying takes its time, and a process that dies meanwhile leaves nothing.
  Scheduler& scheduler = *context_.scheduler;
  scheduler.After(scheduler.random().Between(5, 150),
                  [this, of = runner->task, epoch = task.state_epoch(), state = disk_[runner->task].now(),
                   owner = thread->weak_from_this()] {
                    if (owner.expired()) return;
                    Snapshots& snapshots = context_.snapshots[static_cast<size_t>(of)];
                    snapshots[epoch] = state;
                    if (snapshots.size() > kSnapshotsKept) snapshots.erase(snapshots.begin());
                    context_.scheduler->Note(Fault::kSnapshotMade);
                  });
}

}  // namespace ebb
