// Stepping and committing.
#include "engine/task/job.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

int64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Job::Job(const JobOptions& options, JobParts parts, std::vector<SourceInput> sources)
    : options_(options), parts_(std::move(parts)), intake_(std::move(sources), options.range) {
  EBB_CHECK(options.tasks >= 1 && options.batch_records >= 1);
  for (int i = 0; i < options_.tasks; ++i) {
    auto task = std::make_unique<Task>(parts_.make_operator(), parts_.layout, &intake_.names(), parts_.store);
    if (parts_.store != nullptr) task->LimitMemory(options.memory_bytes / static_cast<size_t>(options.tasks));
    workers_.push_back(std::make_unique<Worker>(std::move(task), options_.tasks > 1));
  }
  progress_.pipeline = parts_.pipeline;
  progress_.fingerprint = parts_.fingerprint;
  for (int s = 0; s < kStreamCount; ++s) {
    progress_.outputs.push_back({std::string(StreamName(static_cast<Stream>(s))), 0, 0});
  }
  for (const std::string& source : intake_.names().sources) progress_.ledger.emplace_back(source, SourceLedger{});
  for (const std::string& name : workers_[0]->task().work().CounterNames()) progress_.counters.emplace_back(name, 0);
  progress_.told = workers_[0]->task().work().told();
  base_ = progress_;
  outputs_ = progress_.outputs;
}

absl::Status Job::CheckResume(const Progress& resume) const {
  EBB_RETURN_IF_ERROR(CheckSamePipeline(resume, parts_.pipeline, parts_.fingerprint));
  if (resume.outputs.size() != progress_.outputs.size() || resume.ledger.size() != progress_.ledger.size() ||
      resume.counters.size() != progress_.counters.size() || resume.told.size() != progress_.told.size()) {
    return absl::FailedPreconditionError("the state was made by another version of ebb");
  }
  return absl::OkStatus();
}

absl::Status Job::Start(const std::optional<Progress>& resume) {
  last_commit_ms_ = MonotonicMs();
  if (!resume) return absl::OkStatus();
  EBB_RETURN_IF_ERROR(CheckResume(*resume));
  EBB_RETURN_IF_ERROR(intake_.Restore(*resume));
  progress_ = *resume;
  posted_ = resume->cursor;
  base_ = *resume;
  outputs_ = resume->outputs;
  chain_ = resume->chain;
  for (auto& worker : workers_) worker->task().work().Tell(resume->cursor, resume->told);
  return LoadRows();
}

absl::Status Job::LoadRows() {
  return parts_.store->ScanRows([this](std::string_view key, std::string_view row) {
    const auto hash = static_cast<__uint128_t>(HashKey(key));
    return workers_[static_cast<size_t>((hash * options_.tasks) >> 64)]->task().LoadRow(key, row);
  });
}

absl::StatusOr<bool> Job::Step() {
  std::vector<RecordBatch> batches(workers_.size());
  EBB_RETURN_IF_ERROR(intake_.Step(options_.batch_records, &batches));
  const TimeMs watermark = intake_.watermark();
  if (parts_.meeting.next && parts_.meeting.next(posted_ + 1) <= watermark) {
    EBB_RETURN_IF_ERROR(HoldMeetings(watermark, &batches));
  }
  posted_ = std::max(posted_, watermark);
  size_t uncommitted = 0;
  size_t output = 0;
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post(std::move(batches[i]), watermark);
    const UncommittedBytes bytes = workers_[i]->uncommitted_bytes();
    uncommitted += bytes.total();
    output += bytes.outputs;
  }
  const bool ended = intake_.ended();
  if (ended || CommitDue(uncommitted)) {
    EBB_RETURN_IF_ERROR(Commit());
  } else if (output >= options_.max_waiting_output_bytes) {
    EBB_RETURN_IF_ERROR(StopTasks());
    EBB_RETURN_IF_ERROR(AppendOutputs());
  }
  return ended;
}

bool Job::CommitDue(size_t uncommitted) const {
  const bool scarce = options_.memory_bytes > 0 && uncommitted >= MostChangedBytes(options_.memory_bytes);
  return scarce || uncommitted >= options_.max_uncommitted_bytes ||
         MonotonicMs() - last_commit_ms_ >= options_.commit_interval;
}

absl::Status Job::StopTasks() {
  for (auto& worker : workers_) worker->Drain();
  return TasksFailed();
}

absl::Status Job::TasksFailed() {
  for (auto& worker : workers_) EBB_RETURN_IF_ERROR(worker->task().failed());
  return absl::OkStatus();
}

// The tasks go from meeting to meeting.
absl::Status Job::HoldMeetings(TimeMs watermark, std::vector<RecordBatch>* batches) {
  std::vector<Task*> tasks;
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post(std::exchange((*batches)[i], {}), posted_);
    tasks.push_back(&workers_[i]->task());
  }
  while (true) {
    TimeMs first = kAfterTime;
    bool has_rows = false;
    for (auto& worker : workers_) {
      worker->Drain();
      first = std::min(first, worker->task().next_instant());
      has_rows = has_rows || worker->task().customers() > 0;
    }
    const TimeMs at = parts_.meeting.NextToHold(posted_, first, watermark, has_rows);
    if (at == kAfterTime) return absl::OkStatus();
    for (auto& worker : workers_) worker->Post({}, at);
    for (auto& worker : workers_) worker->Drain();
    EBB_RETURN_IF_ERROR(TasksFailed());
    EBB_RETURN_IF_ERROR(parts_.meeting.hold(at, tasks));
    posted_ = at;
  }
}

absl::Status Job::Commit() {
  EBB_RETURN_IF_ERROR(StopTasks());
  Progress next = progress_;
  ++next.epoch;
  next.cursor = intake_.watermark();
  next.cursor = std::max(next.cursor, progress_.cursor);
  next.finished = intake_.ended();
  std::vector<const Order*> orders;
  for (auto& worker : workers_) orders.push_back(&worker->task().order());
  next.logs = intake_.Positions(orders);
  CountInto(&next);
  if (parts_.store != nullptr) {
    for (auto& worker : workers_) worker->PostEncoding();
  }
  EBB_RETURN_IF_ERROR(AppendOutputs());
  next.outputs = outputs_;
  next.chain = chain_;
  if (parts_.store != nullptr) {
    EBB_RETURN_IF_ERROR(SyncOutputs());
    EBB_RETURN_IF_ERROR(StopTasks());
    std::vector<const EncodedRows*> encoded;
    for (auto& worker : workers_) encoded.push_back(&worker->task().encoded());
    EBB_RETURN_IF_ERROR(WriteState(encoded, next, parts_.store));
  }
  for (auto& worker : workers_) worker->task().AfterWrite();
  progress_ = std::move(next);
  last_commit_ms_ = MonotonicMs();
  return absl::OkStatus();
}

void Job::CountInto(Progress* next) {
  for (size_t s = 0; s < next->ledger.size(); ++s) {
    next->ledger[s].second = base_.ledger[s].second;
    for (auto& worker : workers_) next->ledger[s].second.Add(worker->task().ledger()[s]);
  }
  next->told = workers_[0]->task().work().told();
  next->counters = base_.counters;
  for (auto& worker : workers_) worker->task().work().AddCounters(&next->counters);
}

absl::Status Job::AppendOutputs() {
  std::vector<const Outputs*> outputs;
  for (auto& worker : workers_) outputs.push_back(&worker->task().outputs());
  std::array<std::string, kStreamCount> texts;
  for (const PlacedLine& placed : InOneOrder(outputs)) {
    const int stream = static_cast<int>(placed.line->stream);
    std::string& text = texts[stream];
    const size_t start = text.size();
    AppendNumbered(placed, 0, outputs_[stream].lines++, &text);
    chain_ = ChainHash(chain_, std::string_view(text).substr(start));
    text += '\n';
  }
  for (int s = 0; s < kStreamCount; ++s) {
    Sink* sink = sinks_[s];
    if (sink == nullptr) continue;
    if (!texts[s].empty()) EBB_RETURN_IF_ERROR(sink->Append(texts[s]));
    outputs_[s].bytes = sink->bytes();
  }
  for (auto& worker : workers_) worker->task().outputs().Clear();
  return absl::OkStatus();
}

absl::Status Job::SyncOutputs() {
  for (int s = 0; s < kStreamCount; ++s) {
    const bool longer = outputs_[s].lines != progress_.outputs[s].lines;
    if (longer && sinks_[s] != nullptr) EBB_RETURN_IF_ERROR(sinks_[s]->Sync());
  }
  return absl::OkStatus();
}

std::vector<RowTable*> Job::Tables() {
  std::vector<RowTable*> tables;
  for (auto& worker : workers_) tables.push_back(&worker->task().rows());
  return tables;
}

int64_t Job::customers() {
  int64_t customers = 0;
  for (auto& worker : workers_) customers += static_cast<int64_t>(worker->task().customers());
  return customers;
}

size_t Job::Away() {
  size_t away = 0;
  for (auto& worker : workers_) away += worker->task().away();
  return away;
}

absl::Status Job::ForEachRow(const std::function<void(RowRef)>& visit) {
  return VisitRows(Tables(), Away(), parts_.store, visit);
}

absl::StatusOr<uint64_t> Job::StateDigest() { return DigestRows(Tables(), Away(), parts_.store); }

}  // namespace ebb
