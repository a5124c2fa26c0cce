// Decoding, stamping, routing of one log.
#include "engine/task/record_intake.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kMaxPayloadBytes = 4096;  // of a quarantined record, kept for the quarantine
constexpr int64_t kUnitCheckRecords = 100;
constexpr DurationMs kDefaultMaxAhead = kHour;

}  // namespace

RecordIntake::RecordIntake(LogInput input, const SourceSchema* schema, int slot_count, uint16_t number)
    : input_(std::move(input)),
      schema_(schema),
      slot_count_(slot_count > 0 ? slot_count : static_cast<int>(schema->fields.size())),
      number_(number),
      clock_(schema->time) {}

absl::Status RecordIntake::Seek(int64_t offset, TimeMs newest) {
  EBB_RETURN_IF_ERROR(input_.log->Seek(offset));
  next_offset_ = offset;
  clock_.Restore(newest);
  timed_records_ = newest == kBeforeTime ? 0 : offset;
  return absl::OkStatus();
}

void RecordIntake::AddFloor(const Floor& floor) {
  const auto later = [](const Floor& a, const Floor& b) { return a.from_offset < b.from_offset; };
  floors_.insert(std::upper_bound(floors_.begin(), floors_.end(), floor, later), floor);
  Reach(next_offset_);
}

void RecordIntake::AddSkip(const SkippedRecord& skip) {
  skips_.push_back(skip);
  Reach(next_offset_);
}

void RecordIntake::Reach(int64_t offset) {
  size_t reached = 0;
  for (; reached < floors_.size() && floors_[reached].from_offset <= offset; ++reached) {
    clock_.Raise(floors_[reached].newest);
  }
  floors_.erase(floors_.begin(), floors_.begin() + static_cast<int64_t>(reached));
  std::erase_if(skips_, [offset](const SkippedRecord& skip) { return skip.offset < offset; });
  next_decision_ = floors_.empty() ? INT64_MAX : floors_.front().from_offset;
  for (const SkippedRecord& skip : skips_) next_decision_ = std::min(next_decision_, skip.offset);
}

bool RecordIntake::IsSkipped(const Record& header) const {
  return std::any_of(skips_.begin(), skips_.end(), [&](const SkippedRecord& skip) {
    return skip.offset == header.offset && header.effective >= skip.from_time;
  });
}

Taken RecordIntake::Take(const RawRecord& raw, const TimeRange& range, TimeMs applied,
                         std::vector<RecordBatch>* batches) {
  EBB_CHECK(raw.offset == next_offset_ || (raw.offset > next_offset_ && input_.log->sparse()),
            "offset {} of {}, expected {}", raw.offset, input_.log->name(), next_offset_);
  next_offset_ = raw.offset + 1;
  const bool decided = raw.offset >= next_decision_;
  if (decided) [[unlikely]]
    Reach(raw.offset);
  builder_.Reset(slot_count_);
  Reason reason = raw.reason;
  if (raw.null_value) {
    reason = DecodeTombstone(raw);
  } else if (reason == Reason::kNone) {
    reason = input_.decoder->Decode(raw.bytes, &builder_);
  }
  const TimeMs time = reason == Reason::kNone ? builder_.time : kBeforeTime;
  if (reason == Reason::kNone && raw.append_time != kBeforeTime &&
      time > raw.append_time + schema_->time.max_ahead.value_or(kDefaultMaxAhead)) {
    reason = Reason::kTimeAhead;
  }

  Record header{};
  header.offset = raw.offset;
  header.source = schema_->ordinal;
  header.log = number_;
  header.reason = reason;
  header.time = time;
  header.fate = reason != Reason::kNone ? Fate::kQuarantine
                : builder_.filtered     ? Fate::kFilter
                : raw.null_value        ? Fate::kTombstone
                                        : Fate::kUse;
  const bool after = reason == Reason::kNone && range.to && time > *range.to;
  if (after) {
    header.fate = Fate::kFilter;
    header.effective = clock_.watermark();
    header.newest_before = clock_.newest();
  } else {
    if (reason == Reason::kNone && range.from && time < *range.from) header.fate = Fate::kFilter;
    clock_.Stamp(&header);
  }
  NoteUnit(header);
  const bool timed = header.fate != Fate::kQuarantine;
  if (decided && IsUsed(header.fate) && IsSkipped(header)) [[unlikely]] {
    header.fate = Fate::kQuarantine;
    header.reason = Reason::kSkipped;
  }
  if (header.effective >= applied) Place(raw, header, batches);
  return {header.effective, timed, clock_.newest() > header.newest_before};
}

// Before the first record with a time there is no place in the order, and nothing to be deleted.
Reason RecordIntake::DecodeTombstone(const RawRecord& raw) {
  if (clock_.newest() == kBeforeTime) return Reason::kNullValue;
  const Reason reason = input_.decoder->DecodeTombstone(raw.key, &builder_);
  builder_.time = clock_.newest();
  return reason;
}

void RecordIntake::NoteUnit(const Record& header) {
  if (header.time != kBeforeTime) {
    ++timed_records_;
  } else if (timed_records_ == 0 && (header.reason == Reason::kTimeOutOfRange || header.reason == Reason::kBadTime)) {
    ++untimed_records_;
    if (header.reason == Reason::kTimeOutOfRange) unit_guess_ = builder_.unit_guess;
  }
}

void RecordIntake::Place(const RawRecord& raw, Record header, std::vector<RecordBatch>* batches) {
  size_t task = 0;
  if (IsUsed(header.fate)) {
    header.slot_count = static_cast<uint16_t>(slot_count_);
    header.key_bytes = builder_.key_bytes;
    header.nulls = builder_.nulls;
    header.key_hash = HashKey(builder_.key());
    task = static_cast<size_t>((static_cast<__uint128_t>(header.key_hash) * batches->size()) >> 64);
  } else if (header.fate == Fate::kQuarantine) {
    header.payload_bytes = static_cast<uint32_t>(std::min(raw.bytes.size(), kMaxPayloadBytes));
  }
  Record* record = (*batches)[task].Add(header.bytes());
  *record = header;
  int64_t* slots = record->slots();
  std::copy_n(builder_.slots, header.slot_count, slots);
  for (uint64_t nulls = header.nulls; nulls != 0; nulls &= nulls - 1) {
    const int slot = __builtin_ctzll(nulls);
    slots[slot] = static_cast<int64_t>(builder_.said_null >> slot & 1);
  }
  char* tail = reinterpret_cast<char*>(slots + header.slot_count);
  std::copy_n(builder_.key_text, header.key_bytes, tail);
  std::copy_n(raw.bytes.data(), header.payload_bytes, tail + header.key_bytes);
}

absl::Status RecordIntake::CheckUnit(bool complete) const {
  if (timed_records_ > 0 || untimed_records_ == 0) return absl::OkStatus();
  if (untimed_records_ < kUnitCheckRecords && !complete) return absl::OkStatus();
  const std::string what =
      fmt::format("source '{}': none of the first {} records of {} has a time that `unit: {}` allows", schema_->name,
                  untimed_records_, input_.log->name(), TimeUnitName(schema_->time.unit));
  if (unit_guess_.empty()) return absl::FailedPreconditionError(what);
  return absl::FailedPreconditionError(fmt::format("{}: they look like `unit: {}`", what, unit_guess_));
}

}  // namespace ebb
