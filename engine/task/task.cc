// Timers are queued lazily: an entry says when to look at the row, the row says when it really wants to be woken. A row
// whose timer moves later with every event (as silence does) keeps the one entry it has. Customers who are not in
// memory have an entry in AwayTimers; when it is due their row is read and says the same.
#include "engine/task/task.h"

#include <algorithm>

#include <fmt/format.h>

#include "absl/strings/escaping.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"
#include "engine/task/state_rows.h"

namespace ebb {

Task::Task(std::unique_ptr<Operator> work, const RowLayout& layout, const LogNames* names, StateStore* store)
    : work_(std::move(work)), names_(names), rows_(layout), ledger_(names->sources.size()), store_(store) {}

absl::Status Task::LoadRow(std::string_view key, std::string_view bytes) {
  if (row_bytes_ > 0 && rows_.bytes() > row_bytes_ / 2) {
    const std::optional<TimeMs> timer = StoredTimer(bytes, rows_.layout());
    return timer ? NoteAway(*timer, key) : UnreadableRow(key, bytes.size());
  }
  const uint64_t hash = HashKey(key);
  if (!DecodeRow(bytes, hash, key, &rows_)) return UnreadableRow(key, bytes.size());
  Arm(rows_.Find(hash, key));
  return absl::OkStatus();
}

absl::Status LookAtRows(const std::vector<Task*>& tasks, const std::function<void(RowRef)>& look) {
  RowTable copy(tasks.front()->rows().layout());
  std::vector<RowTable*> tables;
  size_t away = 0;
  for (Task* task : tasks) {
    tables.push_back(&task->rows());
    away += task->away();
  }
  return VisitRows(tables, away, tasks.front()->store(), [&](RowRef row) { look(copy.HoldCopy(row)); });
}

void Task::AfterWrite() {
  encoded_ = {};
  rows_.ClearChanged();
  const bool scarce = row_bytes_ > 0 && rows_.bytes() > row_bytes_ / 4 * 3;
  if (scarce && failed_.ok()) failed_ = LetRowsLeave();
}

absl::Status Task::LetRowsLeave() {
  absl::Status noted;
  rows_.Shrink(row_bytes_ / 2, [&](RowRef row) {
    if (noted.ok()) noted = NoteAway(row->next_timer, row.key());
  });
  std::erase_if(timers_, [this](const Timer& timer) {
    const RowRef row = rows_.at(timer.row);
    return !row.valid() || row->queued_timer != timer.time;
  });
  std::make_heap(timers_.begin(), timers_.end(), std::greater<>());
  return noted;
}

absl::Status Task::NoteAway(TimeMs next_timer, std::string_view key) {
  ++away_;
  if (next_timer == kAfterTime) return absl::OkStatus();
  if (away_timers_ == nullptr) {
    EBB_ASSIGN_OR_RETURN(away_timers_, store_->NewAwayTimers());
  }
  return away_timers_->Add(next_timer, key);
}

absl::Status Task::FetchRows(const std::vector<std::string_view>& keys, std::optional<TimeMs> limit) {
  EBB_ASSIGN_OR_RETURN(const std::vector<std::string> stored, store_->ReadRows(keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (stored[i].empty() && !limit) continue;  // a new customer
    const uint64_t hash = HashKey(keys[i]);
    if (rows_.Find(hash, keys[i]).valid()) continue;  // named twice
    const std::optional<TimeMs> timer = StoredTimer(stored[i], rows_.layout());
    if (timer && limit && *timer >= *limit) continue;  // an entry that the row has outlived
    if (!timer || !DecodeRow(stored[i], hash, keys[i], &rows_)) return UnreadableRow(keys[i], stored[i].size());
    --away_;
    Arm(rows_.Find(hash, keys[i]));
  }
  return absl::OkStatus();
}

TimeMs Task::next_instant() const {
  const TimeMs away = away_timers_ == nullptr ? kAfterTime : away_timers_->earliest();
  return std::min({order_.earliest(), timers_.empty() ? kAfterTime : timers_.front().time, away});
}

void Task::AtMeeting(TimeMs time, std::string_view customer, int64_t rank,
                     const std::function<void(RowRef*, Outputs*)>& what) {
  const uint64_t hash = HashKey(customer);
  RowRef row = rows_.Find(hash, customer);
  if (!row.valid()) {
    if (failed_.ok()) failed_ = FetchRows({customer}, std::nullopt);
    row = rows_.Find(hash, customer);
    if (failed_.ok() && !row.valid()) failed_ = UnreadableRow(customer, 0);
    if (!failed_.ok()) return;
  }
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
  if (away_ > 0) FetchRowsOf(records, count, row_of);
  if (!failed_.ok()) return;
  for (size_t i = 0; i < count; ++i) {
    // The first row with this hash may be that of another key.
    if (row_of[i] != nullptr) work_->Prefetch(*records[i], RowRef(&rows_, row_of[i]));
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

void Task::FetchRowsOf(Record* const* records, size_t count, Row** row_of) {
  std::vector<std::string_view> keys;
  for (size_t i = 0; i < count; ++i) {
    if (!IsUsed(records[i]->fate)) continue;
    const bool here = row_of[i] != nullptr && rows_.Find(records[i]->key_hash, records[i]->key()).valid();
    if (!here) keys.push_back(records[i]->key());
  }
  if (keys.empty()) return;
  failed_ = FetchRows(keys, std::nullopt);
  for (size_t i = 0; i < count; ++i) {
    if (row_of[i] == nullptr && IsUsed(records[i]->fate)) row_of[i] = rows_.First(records[i]->key_hash);
  }
}

void Task::FetchDueRows(TimeMs limit) {
  constexpr size_t kFetchedAtOnce = 512;
  const auto fetch = [&]() -> absl::Status {
    EBB_ASSIGN_OR_RETURN(const std::vector<AwayTimer> due, away_timers_->Take(limit, kFetchedAtOnce));
    std::vector<std::string_view> keys;
    for (const AwayTimer& timer : due) {
      if (!rows_.Find(HashKey(timer.key), timer.key).valid()) keys.push_back(timer.key);
    }
    return keys.empty() ? absl::OkStatus() : FetchRows(keys, limit);
  };
  failed_ = fetch();
}

Row* Task::Use(const Record& record, Row* known) {
  RowRef row(&rows_, known);
  if (known == nullptr || row.key() != record.key()) row = rows_.FindOrCreate(record.key_hash, record.key());
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
  while (failed_.ok()) {
    const TimeMs next = timers_.empty() ? kAfterTime : timers_.front().time;
    const TimeMs away = away_timers_ == nullptr ? kAfterTime : away_timers_->earliest();
    if (std::min(next, away) >= limit) break;
    if (away <= next) {
      FetchDueRows(limit);
      continue;
    }
    const Timer timer = timers_.front();
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
