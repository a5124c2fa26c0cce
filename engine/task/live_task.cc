// Stepping, committing, doing again.
#include "engine/task/live_task.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr DurationMs kStuckAfterMs = 10 * kSecond;
constexpr int kMaxReplayedPerStep = 64;  // epochs

// Ledger and counters as one text, for the digest.
std::string Figures(const Progress& progress) {
  std::string text;
  for (const auto& [source, ledger] : progress.ledger) {
    text +=
        fmt::format("{} {} {} {} {}", ledger.used, ledger.late, ledger.filtered, ledger.duplicate, ledger.tombstone);
    for (int64_t count : ledger.quarantined) text += fmt::format(" {}", count);
    text += '\n';
  }
  for (const auto& [name, value] : progress.counters) text += fmt::format("{} ", value);
  for (int64_t number : progress.told) text += fmt::format("{} ", number);
  return text;
}

}  // namespace

bool IsForGood(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsOutOfRange(status) || absl::IsDataLoss(status);
}

LiveTask::LiveTask(const LiveOptions& options, LiveParts parts, std::vector<LiveSource> sources)
    : options_(options),
      max_dirty_bytes_(options.memory_bytes == 0
                           ? options.max_dirty_bytes
                           : std::min(options.max_dirty_bytes, MostChangedBytes(options.memory_bytes))),
      identity_{parts.pipeline, parts.fingerprint, options.task},
      store_(parts.store),
      delivery_(parts.delivery),
      meeting_(std::move(parts.meeting)),
      redone_(std::move(parts.redone)),
      intake_(std::move(sources)),
      task_(std::move(parts.work), parts.layout, &intake_.names(), store_) {
  EBB_CHECK(store_ != nullptr && delivery_ != nullptr && options.task >= 0 && options.batch_records >= 1);
  task_.LimitMemory(options.memory_bytes);
  progress_.pipeline = identity_.pipeline;
  progress_.fingerprint = identity_.fingerprint;
  progress_.task = identity_.task;
  for (int s = 0; s < kStreamCount; ++s) {
    progress_.outputs.push_back({std::string(StreamName(static_cast<Stream>(s))), 0, 0});
  }
  for (const std::string& source : intake_.names().sources) progress_.ledger.emplace_back(source, SourceLedger{});
  for (const std::string& name : task_.work().CounterNames()) progress_.counters.emplace_back(name, 0);
  progress_.told = task_.work().told();
  base_ = progress_;
}

// ---- Going on from a commit
// ------------------------------------------------------------------------------------------

absl::Status LiveTask::Recover() {
  EBB_ASSIGN_OR_RETURN(const std::optional<Progress> state, ReadProgress(store_));
  if (state) {
    EBB_RETURN_IF_ERROR(CheckState(identity_, *state));
    EBB_RETURN_IF_ERROR(CheckShape(*state));
  }
  EBB_ASSIGN_OR_RETURN(const std::vector<std::string> texts, delivery_->Open(state ? state->epoch : 1));
  EBB_ASSIGN_OR_RETURN(std::vector<JournalRecord> journal, CheckJournal(identity_, state, texts));
  EBB_RETURN_IF_ERROR(GoOnFrom(state, std::move(journal)));
  failed_ = absl::OkStatus();
  return absl::OkStatus();
}

absl::Status LiveTask::CheckShape(const Progress& state) const {
  if (state.outputs.size() == progress_.outputs.size() && state.ledger.size() == progress_.ledger.size() &&
      state.counters.size() == progress_.counters.size() && state.told.size() == progress_.told.size()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("the state was made by another version of ebb");
}

absl::Status LiveTask::GoOnFrom(const std::optional<Progress>& state, std::vector<JournalRecord> journal) {
  if (!state && journal.empty()) {
    EBB_RETURN_IF_ERROR(intake_.Begin());
  } else if (state) {
    progress_ = base_ = *state;
    state_epoch_ = state->epoch;
    stepped_ = state->cursor;
    task_.work().Tell(state->cursor, state->told);
    EBB_RETURN_IF_ERROR(intake_.Restore(state->logs, state->cursor));
    EBB_RETURN_IF_ERROR(
        store_->ScanRows([this](std::string_view key, std::string_view row) { return task_.LoadRow(key, row); }));
  } else {
    std::vector<LogPosition> starts = journal.front().logs;
    for (LogPosition& log : starts) {
      log.low_offset = log.start_offset;
      log.newest = kBeforeTime;
      log.anchor.reset();
      log.lag.reset();
      log.floors.clear();
      log.skipped.clear();
    }
    EBB_RETURN_IF_ERROR(intake_.Restore(starts, kBeforeTime));
  }
  for (const JournalRecord& record : journal) {
    EBB_RETURN_IF_ERROR(intake_.CheckSameLogs(record.logs));
    intake_.Repeat(record.logs);
  }
  if (state) journal.erase(journal.begin());
  replay_ = std::move(journal);
  reread_to_ = replay_.empty() ? progress_.cursor : replay_.back().cursor;
  for (const auto& [source, offset] : options_.skip) intake_.Skip(source, {offset, reread_to_});
  return absl::OkStatus();
}

absl::StatusOr<StepResult> LiveTask::ReplayStep(int64_t monotonic_ms) {
  const TimeMs until = replayed_ < replay_.size() ? replay_[replayed_].cursor : reread_to_;
  const bool ahead = task_.order().bytes() < options_.max_waiting_bytes;
  RecordBatch batch;
  StepResult result;
  result.recovering = true;
  EBB_ASSIGN_OR_RETURN(result.records, intake_.Read(options_.batch_records, until, ahead, monotonic_ms, &batch));
  if (result.records > 0) stuck_since_ms_ = -1;
  EBB_RETURN_IF_ERROR(StepTo(std::move(batch), std::min(intake_.watermark(), until)));
  for (int epochs = 0; replayed_ < replay_.size() && epochs < kMaxReplayedPerStep; ++epochs) {
    const TimeMs cursor = replay_[replayed_].cursor;
    if (intake_.watermark() < cursor) break;
    EBB_RETURN_IF_ERROR(StepTo(RecordBatch(), cursor));
    EBB_RETURN_IF_ERROR(FinishReplayed(monotonic_ms));
    stuck_since_ms_ = -1;
  }
  if (result.records == 0) EBB_RETURN_IF_ERROR(CheckStuck(monotonic_ms));
  return result;
}

absl::Status LiveTask::CheckStuck(int64_t monotonic_ms) {
  if (!recovering()) return absl::OkStatus();
  const LiveInput& holder = intake_.Holder();
  if (!holder.CaughtUp(monotonic_ms)) {
    stuck_since_ms_ = -1;
    return absl::OkStatus();
  }
  if (stuck_since_ms_ < 0) stuck_since_ms_ = monotonic_ms;
  if (monotonic_ms - stuck_since_ms_ < kStuckAfterMs) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "{} ends at offset {}, but the committed epochs have read more of it: records were lost (a topic made anew, an "
      "unclean election). What was committed stands, but nothing can go on from it: begin with a new state directory "
      "and a new group",
      holder.live_log().name(), holder.live_log().position()));
}

absl::Status LiveTask::FinishReplayed(int64_t monotonic_ms) {
  const JournalRecord& committed = replay_[replayed_];
  Epoch epoch = BuildEpoch(committed.cursor, intake_.PositionsAgain(committed.cursor, committed.logs));
  if (redone_) redone_(committed.epoch, epoch.commit.messages);
  if (epoch.record.digest != committed.digest) {
    return absl::DataLossError(
        fmt::format("epoch {}, done again, gives another result: digest {:016x}, in the journal {:016x}. Either the "
                    "records of a log "
                    "were changed, or this is a defect of ebb: please report it. Nothing was sent",
                    committed.epoch, epoch.record.digest, committed.digest));
  }
  progress_ = std::move(epoch.progress);
  progress_.chain = committed.chain;
  task_.outputs().Clear();
  ++replayed_;
  if (replayed_ == replay_.size()) {
    replay_.clear();
    replay_.shrink_to_fit();
    replayed_ = 0;
  }
  if (StateDue(monotonic_ms, /*quiet=*/false)) EBB_RETURN_IF_ERROR(WriteCommitted(monotonic_ms));
  return absl::OkStatus();
}

// ---- Live
// ------------------------------------------------------------------------------------------------------------

absl::StatusOr<StepResult> LiveTask::Step(int64_t wall_ms, int64_t monotonic_ms) {
  if (!failed_.ok()) return failed_;
  if (!anchor_) {
    anchor_ = LiveClocks{wall_ms, monotonic_ms};
    last_state_ms_ = monotonic_ms;
  }
  const LiveClocks clocks{anchor_->wall_ms + (monotonic_ms - anchor_->monotonic_ms), monotonic_ms};
  absl::StatusOr<StepResult> result = recovering() ? ReplayStep(monotonic_ms) : LiveStep(clocks);
  if (!result.ok()) failed_ = result.status();
  return result;
}

absl::Status LiveTask::StepTo(RecordBatch batch, TimeMs watermark) {
  if (batch.empty() && watermark <= stepped_) return absl::OkStatus();
  if (meeting_.next && meeting_.next(stepped_ + 1) <= watermark) {
    EBB_RETURN_IF_ERROR(HoldMeetings(std::exchange(batch, {}), watermark));
  }
  stepped_ = std::max(stepped_, watermark);
  task_.Step(std::move(batch), stepped_);
  return task_.failed();
}

// As of a job (Job::HoldMeetings), with one task.
absl::Status LiveTask::HoldMeetings(RecordBatch batch, TimeMs watermark) {
  task_.Step(std::move(batch), stepped_);
  while (true) {
    const TimeMs first = task_.next_instant();
    const TimeMs at = meeting_.NextToHold(stepped_, first, watermark, task_.customers() > 0);
    if (at == kAfterTime) return task_.failed();
    task_.Step({}, at);
    EBB_RETURN_IF_ERROR(task_.failed());
    EBB_RETURN_IF_ERROR(meeting_.hold(at, {&task_}));
    stepped_ = at;
  }
}

absl::StatusOr<StepResult> LiveTask::LiveStep(const LiveClocks& clocks) {
  const bool ahead = task_.order().bytes() < options_.max_waiting_bytes;
  RecordBatch batch;
  StepResult result;
  EBB_ASSIGN_OR_RETURN(result.records,
                       intake_.Read(options_.batch_records, kAfterTime, ahead, clocks.monotonic_ms, &batch));
  if (const int64_t wall_ms = intake_.DecideIdle(clocks, options_.max_untimed_records); wall_ms != 0)
    wall_ms_ = wall_ms;
  EBB_RETURN_IF_ERROR(StepTo(std::move(batch), intake_.watermark()));
  if (CommitDue(clocks.monotonic_ms)) {
    EBB_RETURN_IF_ERROR(Commit());
    last_commit_ms_ = clocks.monotonic_ms;
    result.committed = true;
  }
  if (StateDue(clocks.monotonic_ms, result.records == 0)) EBB_RETURN_IF_ERROR(WriteCommitted(clocks.monotonic_ms));
  return result;
}

bool LiveTask::CommitDue(int64_t monotonic_ms) const {
  if (stepped_ == progress_.cursor) return false;
  const DurationMs since = monotonic_ms - last_commit_ms_;
  const size_t message_bytes = task_.outputs().bytes();
  if (message_bytes > 0 && since >= options_.output_spacing) return true;
  return since >= options_.commit_interval || message_bytes >= options_.max_message_bytes ||
         task_.rows().changed_bytes() >= max_dirty_bytes_;
}

bool LiveTask::StateDue(int64_t monotonic_ms, bool quiet) const {
  if (progress_.epoch == state_epoch_ || stepped_ != progress_.cursor) return false;
  const DurationMs since = monotonic_ms - last_state_ms_;
  return since >= (quiet ? options_.quiet_state_interval : options_.state_interval) ||
         task_.rows().changed_bytes() >= max_dirty_bytes_;
}

LiveTask::Epoch LiveTask::BuildEpoch(TimeMs cursor, std::vector<LogPosition> logs) {
  Epoch epoch;
  Progress& next = epoch.progress = progress_;
  ++next.epoch;
  next.cursor = cursor;
  next.logs = std::move(logs);
  for (size_t s = 0; s < next.ledger.size(); ++s) {
    next.ledger[s].second = base_.ledger[s].second;
    next.ledger[s].second.Add(task_.ledger()[s]);
  }
  next.told = task_.work().told();
  next.counters = base_.counters;
  task_.work().AddCounters(&next.counters);
  JournalRecord& record = epoch.record;
  record.task = identity_.task;
  record.pipeline = identity_.pipeline;
  record.fingerprint = identity_.fingerprint;
  record.epoch = next.epoch;
  record.cursor = cursor;
  record.wall_ms = wall_ms_;
  record.logs = intake_.Decided(next.logs);
  AddMessages(&epoch);
  record.digest = ChainHash(record.digest, Figures(next));
  return epoch;
}

void LiveTask::AddMessages(Epoch* epoch) {
  for (const OutputPosition& output : epoch->progress.outputs) {
    epoch->record.outputs.push_back({output.stream, output.lines, output.lines});
  }
  for (const PlacedLine& line : InOneOrder({&task_.outputs()})) {
    const int stream = static_cast<int>(line.line->stream);
    OutputMessage& message = epoch->commit.messages.emplace_back();
    message.stream = line.line->stream;
    message.key = line.outputs->key(*line.line);
    AppendNumbered(line, identity_.task, epoch->progress.outputs[stream].lines++, &message.value);
    uint64_t* digest = &epoch->record.digest;
    *digest = ChainHash(ChainHash(*digest + static_cast<uint64_t>(stream), message.key), message.value);
  }
  for (int s = 0; s < kStreamCount; ++s) epoch->record.outputs[s].end = epoch->progress.outputs[s].lines;
}

absl::Status LiveTask::Commit() {
  Epoch epoch = BuildEpoch(stepped_, intake_.Positions(stepped_));
  epoch.commit.journal = EncodeJournalRecord(progress_.chain, &epoch.record);
  epoch.progress.chain = epoch.record.chain;
  for (size_t i = 0; i < epoch.progress.logs.size(); ++i) {
    epoch.commit.offsets.push_back({static_cast<uint16_t>(i), epoch.progress.logs[i].low_offset});
  }
  EBB_RETURN_IF_ERROR(delivery_->Commit(epoch.commit));
  progress_ = std::move(epoch.progress);
  task_.outputs().Clear();
  intake_.CommitDecisions();
  wall_ms_ = 0;
  return absl::OkStatus();
}

absl::Status LiveTask::WriteCommitted(int64_t monotonic_ms) {
  EBB_CHECK(stepped_ == progress_.cursor, "the state would be written at {}, committed is {}", stepped_,
            progress_.cursor);
  task_.EncodeChanged();
  EBB_RETURN_IF_ERROR(WriteState({&task_.encoded()}, progress_, store_));
  task_.AfterWrite();
  state_epoch_ = progress_.epoch;
  last_state_ms_ = monotonic_ms;
  return absl::OkStatus();
}

absl::Status LiveTask::Finish() {
  if (!failed_.ok()) return failed_;
  if (recovering()) return absl::OkStatus();
  if (stepped_ != progress_.cursor) failed_ = Commit();
  if (failed_.ok() && state_epoch_ != progress_.epoch) failed_ = WriteCommitted(last_state_ms_);
  if (failed_.ok()) failed_ = store_->Sync();
  return failed_;
}

}  // namespace ebb
