// An attempt: store, consumer and delivery are opened, the task recovers, and is stepped until it fails or is to stop.
#include "serve/task_runner.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "config/assemble.h"
#include "connectors/kafka/kafka_delivery.h"
#include "connectors/kafka/task_consumer.h"
#include "engine/base/status_macros.h"
#include "engine/task/journal.h"

namespace ebb {
namespace {

constexpr int64_t kFirstPauseMs = 250;
constexpr int64_t kLongestPauseMs = 10'000;
constexpr int kWaitMs = 20;  // for records, when there were none
constexpr int64_t kShowEveryMs = 200;

int64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A delivery that says how long commits take. Confined to its task's thread.
class TimedDelivery final : public Delivery {
 public:
  TimedDelivery(std::unique_ptr<Delivery> inner, int64_t* commits, int64_t* commit_us, int64_t* committed_ms)
      : inner_(std::move(inner)), commits_(*commits), commit_us_(*commit_us), committed_ms_(*committed_ms) {}

  absl::StatusOr<std::vector<std::string>> Open(int64_t first_epoch) override { return inner_->Open(first_epoch); }
  absl::Status Commit(const EpochCommit& epoch) override {
    const auto begun = std::chrono::steady_clock::now();
    EBB_RETURN_IF_ERROR(inner_->Commit(epoch));
    const auto took = std::chrono::steady_clock::now() - begun;
    ++commits_;
    commit_us_ += std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    committed_ms_ = WallMs();
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Delivery> inner_;
  int64_t &commits_, &commit_us_, &committed_ms_;
};

std::string TaskFolder(const TaskContext& context, int32_t task) {
  return (std::filesystem::path(context.directory) / fmt::format("task-{}", task)).string();
}

absl::StatusOr<int64_t> EpochOf(std::string_view record) {
  EBB_ASSIGN_OR_RETURN(const JournalRecord decoded, DecodeJournalRecord(record));
  return decoded.epoch;
}

}  // namespace

// What one attempt stands on; destroyed in the reverse order.
struct TaskRunner::Opened {
  std::unique_ptr<StateStore> store;
  std::unique_ptr<TaskConsumer> consumer;
  std::unique_ptr<Delivery> delivery;
  std::unique_ptr<LiveTask> task;
};

TaskRunner::TaskRunner(const TaskContext* context, int32_t task, std::string membership)
    : context_(*context), task_(task), membership_(std::move(membership)), thread_([this] { Run(); }) {}

SnapshotOwner TaskRunner::Owner() const {
  return {context_.snapshots,
          context_.cluster,
          context_.file->kafka->group,
          context_.file->plan.pipeline,
          context_.file->plan.fingerprint,
          task_};
}

absl::StatusOr<std::optional<Snapshot>> TaskRunner::Restore(const std::string& folder, int64_t than) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  std::vector<std::string> warnings;
  Reached("restore_begun");
  absl::StatusOr<std::optional<Snapshot>> restored = RestoreSnapshot(Owner(), folder, than, &warnings);
  if (restored.ok() && *restored) Reached("restored");
  for (const std::string& warning : warnings) context_.log->Warn("snapshot_damaged", {{"text", warning}});
  return restored;
}

absl::Status TaskRunner::RestoreIfMissing(const std::string& folder) {
  if (context_.snapshots.empty() || std::filesystem::exists(folder + "/CURRENT")) return absl::OkStatus();
  EBB_ASSIGN_OR_RETURN(const std::optional<Snapshot> restored, Restore(folder, 0));
  if (restored) context_.log->Info("snapshot_restored", {{"task", task_}, {"epoch", restored->epoch}});
  return absl::OkStatus();
}

absl::StatusOr<bool> TaskRunner::RestoreNewer(const absl::Status& why) {
  if (context_.snapshots.empty()) return false;
  const std::string folder = TaskFolder(context_, task_);
  int64_t epoch = 0;
  if (const auto store = OpenRocksDbStore(folder, {.read_only = true, .check_files = false}); store.ok()) {
    EBB_ASSIGN_OR_RETURN(const std::optional<Progress> state, ReadProgress(store->get()));
    if (state) epoch = state->epoch;
  }
  // Beside the old one until it is whole. A process that dies between the two steps finds no state, and restores anew.
  const std::string newer = folder + ".newer";
  EBB_ASSIGN_OR_RETURN(const std::optional<Snapshot> restored, Restore(newer, epoch));
  if (!restored) return false;
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  Reached("state_removed");
  if (!error) std::filesystem::rename(newer, folder, error);
  if (error) return absl::UnavailableError(fmt::format("putting a snapshot into {}: {}", folder, error.message()));
  context_.log->Warn("snapshot_restored",
                     {{"task", task_}, {"epoch", restored->epoch}, {"instead_of", epoch}, {"reason", why}});
  return true;
}

void TaskRunner::KeepSnapshots(Opened* opened) {
  if (context_.snapshots.empty()) return;
  if (std::optional<absl::StatusOr<Snapshot>> done = snapshots_.TakeResult()) {
    if (done->ok()) {
      context_.log->Info("snapshot", {{"task", task_}, {"epoch", (*done)->epoch}});
      context_.board->Update([&](ServiceStatus* status) {
        status->tasks[task_].snapshot_epoch = (*done)->epoch;
        status->tasks[task_].snapshot_ms = (*done)->made_ms;
      });
    } else {
      context_.log->Warn("snapshot_failed", {{"task", task_}, {"reason", done->status()}});
    }
  }
  const int64_t now = MonotonicMs();
  const LiveTask& task = *opened->task;
  if (task.recovering() || task.state_epoch() == 0 || !snapshots_.Due(now, context_.snapshot_interval)) return;
  const std::string folder = TaskFolder(context_, task_) + ".checkpoint";
  const absl::Status begun =
      snapshots_.Begin(Owner(), opened->store.get(), folder, task.state_epoch(), now, WallMs(), context_.reached);
  if (!begun.ok()) context_.log->Warn("snapshot_failed", {{"task", task_}, {"reason", begun}});
}

TaskRunner::~TaskRunner() {
  Stop(End::kAbandon);
  Wait();
}

void TaskRunner::Stop(End end) {
  const std::lock_guard lock(mutex_);
  if (!stop_) end_ = end;
  stop_ = true;
  wake_.notify_all();
}

void TaskRunner::Wait() {
  if (thread_.joinable()) thread_.join();
}

void TaskRunner::Pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping(); });
}

void TaskRunner::SetPhase(TaskPhase phase, std::string_view why) {
  context_.board->Update([&](ServiceStatus* status) {
    TaskStatus& task = status->tasks[task_];
    task.phase = phase;
    task.why = why;
  });
}

void TaskRunner::Run() {
  int64_t pause = kFirstPauseMs;
  while (!stopping()) {
    lived_ = false;
    absl::Status status = RunOnce();
    // Else what one task has held stays with this process, beside what the next one takes.
    malloc_trim(0);
    if (status.ok()) break;  // it was to stop
    if (absl::IsOutOfRange(status)) {
      const absl::StatusOr<bool> newer = RestoreNewer(status);
      if (newer.ok() && *newer) continue;
      if (!newer.ok()) status = newer.status();
    }
    if (IsForGood(status)) {
      refused_ = true;
      SetPhase(TaskPhase::kRefused, std::string(status.message()));
      context_.log->Error("task_refused", {{"task", task_}, {"reason", status}});
      return;
    }
    if (lived_) pause = kFirstPauseMs;
    SetPhase(TaskPhase::kWaiting, std::string(status.message()));
    context_.log->Warn("task_restart", {{"task", task_}, {"in_ms", pause}, {"reason", status}});
    Pause(pause);
    pause = std::min(pause * 2, kLongestPauseMs);
  }
  context_.log->Info("task_stopped", {{"task", task_}});
}

absl::StatusOr<std::unique_ptr<TaskRunner::Opened>> TaskRunner::Open() {
  auto opened = std::make_unique<Opened>();
  const PipelineFile& file = *context_.file;
  const std::string folder = TaskFolder(context_, task_);
  EBB_RETURN_IF_ERROR(RestoreIfMissing(folder));
  LiveOptions live = context_.live;
  live.memory_bytes /= static_cast<size_t>(context_.tasks);
  live.task = task_;
  RocksDbStoreOptions store;
  store.FitTo(live.memory_bytes);
  EBB_ASSIGN_OR_RETURN(opened->store, OpenRocksDbStore(folder, store));
  Reached("state_opened");
  std::vector<PartitionSpec> partitions;
  KafkaDeliveryOptions options;
  for (const SourceConfig& source : file.sources) {
    partitions.push_back({source.location, task_, context_.tasks, source.partitioner, source.misplaced});
    options.source_topics.push_back(source.location);
  }
  EBB_ASSIGN_OR_RETURN(opened->consumer,
                       TaskConsumer::Open(context_.connection, std::move(partitions), context_.timeout_ms));
  std::vector<std::unique_ptr<LiveLog>> logs = opened->consumer->TakeLogs();
  std::vector<LiveSource> sources;
  for (size_t s = 0; s < logs.size(); ++s) {
    const SourceConfig& source = file.sources[s];
    sources.push_back({&source.schema, std::move(logs[s]), NewTopicDecoder(source), source.slot_count()});
  }
  options.pipeline = file.plan.pipeline;
  options.group = file.kafka->group;
  options.task = task_;
  options.group_membership = membership_;
  for (int s = 0; s < kStreamCount; ++s) options.topics[s] = OutputOf(file, static_cast<Stream>(s)).topic;
  options.journal_topic = file.kafka->journal;
  options.epoch_of = EpochOf;
  options.timeout_ms = context_.timeout_ms;
  options.watchdog = context_.watchdog;
  options.reached = context_.reached;
  options.wall_now_ms = WallMs;
  opened->delivery = std::make_unique<TimedDelivery>(NewKafkaDelivery(context_.connection, std::move(options)),
                                                     &commits_, &commit_us_, &committed_ms_);
  LiveParts parts;
  parts.pipeline = file.plan.pipeline;
  parts.fingerprint = file.plan.fingerprint;
  parts.layout = context_.pipeline->layout();
  parts.work = context_.pipeline->NewOperator();
  parts.store = opened->store.get();
  parts.delivery = opened->delivery.get();
  parts.meeting = context_.pipeline->NewMeeting({task_, context_.tasks});
  if (context_.reached) {
    parts.redone = [this](int64_t, const std::vector<OutputMessage>&) { Reached("epoch_redone"); };
  }
  opened->task = std::make_unique<LiveTask>(live, std::move(parts), std::move(sources));
  return opened;
}

absl::Status TaskRunner::RunOnce() {
  context_.board->Update([&](ServiceStatus* status) {
    TaskStatus& task = status->tasks[task_];
    task.phase = TaskPhase::kOpening;
    ++task.attempts;
  });
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<Opened> opened, Open());
  EBB_RETURN_IF_ERROR(opened->task->Recover());
  Reached("recovery_begun");
  context_.log->Info(
      "task_recovering",
      {{"task", task_}, {"state_epoch", opened->task->state_epoch()}, {"epochs_left", opened->task->epochs_left()}});
  return StepUntilStopped(opened.get());
}

absl::Status TaskRunner::StepUntilStopped(Opened* opened) {
  LiveTask& task = *opened->task;
  bool live = false;
  while (!stopping()) {
    EBB_ASSIGN_OR_RETURN(const StepResult step, task.Step(WallMs(), MonotonicMs()));
    if (!live && !task.recovering()) {
      live = lived_ = true;
      Reached("recovered");
      context_.log->Info("task_live",
                         {{"task", task_}, {"epoch", task.progress().epoch}, {"customers", task.task().customers()}});
    }
    if (const int64_t now = MonotonicMs(); now - shown_ms_ >= kShowEveryMs) {
      shown_ms_ = now;
      Show(*opened);
      KeepSnapshots(opened);
    }
    if (step.records == 0) opened->consumer->WaitForRecords(kWaitMs);
  }
  if (end_ == End::kAbandon) return absl::OkStatus();
  Reached("finish_begun");
  EBB_RETURN_IF_ERROR(task.Finish());
  Reached("finished");
  return absl::OkStatus();
}

void TaskRunner::Show(const Opened& opened) {
  const LiveTask& task = *opened.task;
  TaskStatus now;
  now.phase = task.recovering() ? TaskPhase::kRecovering : TaskPhase::kLive;
  now.epoch = task.progress().epoch;
  now.epochs_left = static_cast<int64_t>(task.epochs_left());
  now.state_epoch = task.state_epoch();
  now.watermark = task.intake().watermark();
  now.holder = task.intake().Holder().schema().name;
  now.customers = static_cast<int64_t>(task.task().customers());
  now.uncommitted_bytes = static_cast<int64_t>(task.task().uncommitted_bytes().total());
  now.waiting_bytes = static_cast<int64_t>(task.task().order().bytes());
  now.commits = commits_;
  now.commit_us = commit_us_;
  now.committed_ms = committed_ms_;
  const std::vector<LiveInput>& inputs = task.intake().inputs();
  for (size_t s = 0; s < inputs.size(); ++s) {
    const TaskConsumer::Figures figures = opened.consumer->figures(s);
    SourceStatus& source = now.sources.emplace_back();
    source.records = figures.records;
    source.bytes = figures.bytes;
    source.misplaced = figures.misplaced;
    if (figures.end_offset >= 0) source.lag = std::max<int64_t>(0, figures.end_offset - figures.position);
    source.watermark = inputs[s].watermark();
    source.idle = inputs[s].Idle(shown_ms_);
  }
  for (const auto& [name, ledger] : task.progress().ledger) now.ledger.push_back(ledger);
  for (const OutputPosition& output : task.progress().outputs) now.lines.push_back(output.lines);
  context_.board->Update([&](ServiceStatus* status) {
    TaskStatus& shown = status->tasks[task_];
    now.attempts = shown.attempts;
    now.snapshot_epoch = shown.snapshot_epoch;
    now.snapshot_ms = shown.snapshot_ms;
    shown = std::move(now);
  });
}

}  // namespace ebb
