// Timers are queued lazily: an entry says when to look at the row, the row says when it really wants to be woken. A row
// whose timer moves later with every event (as silence does) keeps the one entry it has.
#include "engine/task/task.h"

#include <algorithm>

#include <fmt/format.h>

#include "absl/strings/escaping.h"
#include "engine/base/check.h"
#include "engine/observe/json_text.h"
#include "engine/task/state_rows.h"

namespace ebb {

Task::Task(std::unique_ptr<Operator> work, const RowLayout& layout, const LogNames* names, StateStore* store)
    : work_(std::move(work)), names_(names), rows_(layout), ledger_(names->sources.size()), store_(store) {}

absl::Status Task::LoadRow(std::string_view key, std::string_view bytes) {
  const uint64_t hash = HashKey(key);
  if (!DecodeRow(bytes, hash, key, &rows_)) {
    return UnreadableRow(key, bytes.size());
  }
  RowRef row = rows_.Find(hash, key);
  Arm(row);
  if (row_bytes_ > 0 && rows_.bytes() > row_bytes_ / 2) rows_.Freeze(row);
  return absl::OkStatus();
}

absl::Status Task::LookAtRows(const std::function<void(RowRef)>& look) {
  RowTable copy(rows_.layout());
  std::vector<RowRef> rows;
  for (uint32_t i = 0; i < rows_.size(); ++i) rows.push_back(rows_.at(i));
  return VisitRows(rows, store_, [&](RowRef row) { look(copy.HoldCopy(row)); });
}

void Task::AfterWrite() {
  encoded_ = {};
  rows_.ClearChanged();
  if (row_bytes_ > 0 && rows_.bytes() > row_bytes_ / 4 * 3) rows_.Shrink(row_bytes_ / 2);
}

bool Task::Thaw(const std::vector<uint32_t>& cold) {
  if (failed_.ok() && !cold.empty()) failed_ = ThawRows(cold, store_, &rows_);
  return failed_.ok();
}

TimeMs Task::next_instant() const {
  return std::min(order_.earliest(), timers_.empty() ? kAfterTime : timers_.front().time);
}

void Task::AtMeeting(TimeMs time, uint32_t index, int64_t rank, const std::function<void(RowRef*, Outputs*)>& what) {
  if (rows_.at(index).cold() && !Thaw({index})) return;
  RowRef row = rows_.at(index);
  EBB_CHECK(row->time <= time, "customer '{}' at {} after {}", row.key(), time, row->time);
  outputs_.AtMeeting(time, row.key(), rank);
  rows_.Touch(row);
  row->time = time;
  what(&row, &outputs_);
  EBB_CHECK(row->next_timer > time, "a meeting at {} left a timer of '{}' at {}", time, row.key(), row->next_timer);
  Arm(row);
}

void Task::Step(RecordBatch batch, TimeMs watermark) {
  order_.Push(std::move(batch));
  const std::vector<Record*>& released = order_.Release(watermark);
  for (size_t at = 0; at < released.size() && failed_.ok(); at += kPrefetchRecords) {
    Process(released.data() + at, std::min(kPrefetchRecords, released.size() - at));
  }
  FireTimersBefore(watermark);
}

// Three passes fetch ahead (index, row, tiles), so that the fourth finds everything in the cache.
void Task::Process(Record* const* records, size_t count) {
  Row* row_of[kPrefetchRecords];  // the row if it is there already; patched when it moves
  for (size_t i = 0; i < count; ++i) rows_.PrefetchIndex(records[i]->key_hash);
  for (size_t i = 0; i < count; ++i) {
    row_of[i] = IsUsed(records[i]->fate) ? rows_.First(records[i]->key_hash) : nullptr;
    if (row_of[i] == nullptr) continue;
    rows_.PrefetchFixed(row_of[i]);
  }
  if (rows_.cold() > 0) ThawRowsOf(records, count, row_of);
  if (!failed_.ok()) return;
  for (size_t i = 0; i < count; ++i) {
    // The first row with this hash may be that of another key.
    if (row_of[i] != nullptr && !row_of[i]->cold) work_->Prefetch(*records[i], RowRef(&rows_, row_of[i]));
  }
  for (size_t i = 0; i < count; ++i) {
    const Record& record = *records[i];
    // A timer may move any row: look again afterwards.
    if (FireTimersBefore(record.effective)) std::fill(row_of + i, row_of + count, nullptr);
    Count(record);
    if (IsUsed(record.fate)) {
      Row* moved = Use(record, row_of[i]);
      if (row_of[i] != nullptr && moved != row_of[i]) std::replace(row_of + i + 1, row_of + count, row_of[i], moved);
    } else if (record.fate == Fate::kQuarantine) {
      Quarantine(record);
    }
  }
}

void Task::ThawRowsOf(Record* const* records, size_t count, Row** row_of) {
  std::vector<uint32_t> cold;
  for (size_t i = 0; i < count; ++i) {
    if (row_of[i] == nullptr) continue;
    const RowRef row = rows_.Find(records[i]->key_hash, records[i]->key());
    if (row.valid() && row.cold()) cold.push_back(row->index);
  }
  if (cold.empty() || !Thaw(cold)) return;
  for (size_t i = 0; i < count; ++i) {
    if (row_of[i] != nullptr) row_of[i] = rows_.First(records[i]->key_hash);
  }
}

// The heap's first entries are its earliest, if not in order.
void Task::ThawDueRows(TimeMs limit) {
  constexpr size_t kLookedAt = 512;
  std::vector<uint32_t> cold;
  for (size_t i = 0; i < std::min(kLookedAt, timers_.size()); ++i) {
    const RowRef row = rows_.at(timers_[i].row);
    if (row.cold() && row->queued_timer == timers_[i].time && row->next_timer < limit) cold.push_back(row->index);
  }
  Thaw(cold);
}

Row* Task::Use(const Record& record, Row* known) {
  RowRef row(&rows_, known);
  if (known == nullptr || row.key() != record.key()) row = rows_.FindOrCreate(record.key_hash, record.key());
  EBB_CHECK(!row.cold(), "the row of '{}' is cold", record.key());
  EBB_CHECK(record.effective >= row->time, "customer '{}' at {} after {}", record.key(), record.effective, row->time);
  outputs_.AtRecord(record);
  rows_.Touch(row);
  const TimeMs before = row->time;
  row->time = record.effective;
  SourceLedger& ledger = ledger_[record.source];
  switch (work_->OnRecord(record, &row, &outputs_)) {
    case Effect::kUsed:
      ++(record.fate == Fate::kTombstone ? ledger.tombstone : record.late ? ledger.late : ledger.used);
      Arm(row);
      break;
    case Effect::kDuplicate:
      ++ledger.duplicate;
      row->time = before;
      break;
  }
  return &*row;
}

void Task::Count(const Record& record) {
  SourceLedger& ledger = ledger_[record.source];
  switch (record.fate) {
    case Fate::kUse:
    case Fate::kTombstone:
      break;  // counted by what it does to its row
    case Fate::kFilter:
      ++ledger.filtered;
      break;
    case Fate::kQuarantine:
      ++ledger.quarantined[static_cast<int>(record.reason)];
      break;
  }
}

void Task::Quarantine(const Record& record) {
  outputs_.AtRecord(record);
  line_ = "{\"source\":";
  AppendJsonString(names_->sources[record.source], &line_);
  line_ += ",\"log\":";
  AppendJsonString(names_->logs[record.source][record.log], &line_);
  line_ += fmt::format(",\"offset\":{},\"reason\":\"{}\",\"text\":\"{}\"", record.offset, ReasonName(record.reason),
                       ReasonText(record.reason));
  if (IsValidUtf8(record.payload())) {
    line_ += ",\"payload\":";
    AppendJsonString(record.payload(), &line_);
  } else {
    line_ += ",\"payload_base64\":\"" + absl::Base64Escape({record.payload().data(), record.payload().size()}) + "\"";
  }
  line_ += "}";
  outputs_.Emit(Stream::kQuarantine, line_);
}

void Task::Arm(RowRef row) {
  if (row->next_timer >= row->queued_timer) return;
  row->queued_timer = row->next_timer;
  timers_.push_back({row->next_timer, row->index});
  std::push_heap(timers_.begin(), timers_.end(), std::greater<>());
}

bool Task::FireTimersBefore(TimeMs limit) {
  bool fired = false;
  while (!timers_.empty() && timers_.front().time < limit && failed_.ok()) {
    const Timer timer = timers_.front();
    if (rows_.at(timer.row).cold() && rows_.at(timer.row)->next_timer <= timer.time) ThawDueRows(limit);
    if (!failed_.ok()) break;
    std::pop_heap(timers_.begin(), timers_.end(), std::greater<>());
    timers_.pop_back();
    RowRef row = rows_.at(timer.row);
    if (row->queued_timer != timer.time) continue;  // another, earlier entry has taken its place
    row->queued_timer = kAfterTime;
    if (row->next_timer <= timer.time) {
      fired = true;
      outputs_.AtTimer(timer.time, row.key());
      rows_.Touch(row);
      row->time = timer.time;
      work_->OnTimer(timer.time, &row, &outputs_);
      EBB_CHECK(row->next_timer > timer.time, "a timer of '{}' at {} was not moved on", row.key(), timer.time);
    }
    Arm(row);
  }
  return fired;
}

}  // namespace ebb
