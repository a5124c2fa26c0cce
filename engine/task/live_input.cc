// Records are watched in spans as they were read: the low offset is the first of the oldest span that isn't done. That
// may re-read some records too many after a restart, which costs little, and makes a commit cheap however much waits.
#include "engine/task/live_input.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Keeps the floors by offset; of two at the same offset the higher one is enough.
void Add(const Floor& floor, std::vector<Floor>* floors) {
  auto at = std::find_if(floors->begin(), floors->end(),
                         [&](const Floor& other) { return other.from_offset >= floor.from_offset; });
  if (at != floors->end() && at->from_offset == floor.from_offset) {
    at->newest = std::max(at->newest, floor.newest);
  } else {
    floors->insert(at, floor);
  }
}

Anchor AnchorOf(const RawRecord& raw) { return {raw.offset, HashKey(raw.bytes)}; }

bool Holds(const std::vector<SkippedRecord>& skips, int64_t offset) {
  return std::any_of(skips.begin(), skips.end(), [=](const SkippedRecord& skip) { return skip.offset == offset; });
}

}  // namespace

LiveInput::LiveInput(LiveSource source) : LiveInput(source.log.get(), std::move(source)) {}

LiveInput::LiveInput(LiveLog* log, LiveSource&& source)
    : log_(log),
      intake_({std::move(source.log), std::move(source.decoder)}, source.schema, source.slot_count, /*number=*/0) {}

absl::Status LiveInput::Begin() {
  start_offset_ = log_->position();
  return intake_.Seek(start_offset_, kBeforeTime);
}

absl::Status LiveInput::Restore(const LogPosition& position) {
  start_offset_ = position.start_offset;
  lag_ = position.lag;
  EBB_RETURN_IF_ERROR(intake_.Seek(position.low_offset, position.newest));
  anchor_ = position.anchor;
  if (anchor_) {
    const absl::Status back = log_->Seek(anchor_->offset);
    anchor_due_ = back.ok();
    // Retention may have taken it, and nothing else.
    if (!back.ok()) EBB_RETURN_IF_ERROR(log_->Seek(position.low_offset));
  }
  low_offset_ = position.low_offset;
  Repeat(position);
  return absl::OkStatus();
}

void LiveInput::Repeat(const LogPosition& decided) {
  for (const Floor& floor : decided.floors) {
    intake_.AddFloor(floor);
    Add(floor, &floors_);
  }
  for (const SkippedRecord& skip : decided.skipped) {
    if (Holds(skipped_, skip.offset)) continue;
    intake_.AddSkip(skip);
    skipped_.push_back(skip);
  }
  if (decided.lag) lag_ = decided.lag;
}

absl::StatusOr<size_t> LiveInput::Read(size_t max_records, int64_t monotonic_ms, TimeMs applied,
                                       std::vector<RecordBatch>* batch) {
  const absl::Status read = log_->Read(max_records, &raw_);
  if (absl::IsOutOfRange(read) && log_->position() < low_offset_) {
    return absl::UnavailableError(
        fmt::format("{}: retention has just taken what lies before offset {}, where reading goes on; trying again "
                    "from there ({})",
                    log_->name(), low_offset_, std::string(read.message())));
  }
  EBB_RETURN_IF_ERROR(read);
  if (anchor_due_ && !raw_.empty()) EBB_RETURN_IF_ERROR(CheckAnchor());
  read_ms_ = monotonic_ms;
  if (raw_.empty()) {
    intake_.Reach(log_->position());
    const bool at_end = log_->position() == log_->end_offset();
    if (!at_end) {
      empty_since_ms_ = -1;
    } else if (empty_since_ms_ < 0) {
      empty_since_ms_ = monotonic_ms;
    }
    return 0;
  }
  empty_since_ms_ = -1;
  intake_.Reach(raw_.front().offset);
  Span span{AnchorOf(raw_.front()), intake_.clock().newest(), kBeforeTime};
  for (const RawRecord& raw : raw_) {
    const Taken taken = intake_.Take(raw, TimeRange(), applied, batch);
    untimed_records_ = taken.timed ? 0 : untimed_records_ + 1;
    span.last_effective = std::max(span.last_effective, taken.effective);
    if (taken.raised && raw.append_time != kBeforeTime) lag_ = raw.append_time - intake_.clock().newest();
  }
  anchor_ = AnchorOf(raw_.back());
  intake_.Reach(log_->position());
  waiting_.push_back(span);
  if (intake_.unit_suspected()) EBB_RETURN_IF_ERROR(intake_.CheckUnit(false));
  return raw_.size();
}

absl::Status LiveInput::CheckAnchor() {
  anchor_due_ = false;
  const RawRecord& first = raw_.front();
  if (AnchorOf(first) != *anchor_) {
    return absl::DataLossError(
        fmt::format("{} isn't what it was: at offset {} stands another record than the one that was read there. Was "
                    "the topic deleted "
                    "and made anew? What was committed stands, but nothing can go on from it: begin with a new state "
                    "directory and a "
                    "new group",
                    log_->name(), anchor_->offset));
  }
  if (first.offset < low_offset_) raw_.erase(raw_.begin());
  return absl::OkStatus();
}

void LiveInput::RaiseTo(TimeMs watermark) {
  const Floor floor{intake_.next_offset(), watermark + schema().time.disorder};
  intake_.AddFloor(floor);
  Add(floor, &floors_);
  Add(floor, &decided_floors_);
}

void LiveInput::Skip(const SkippedRecord& skip) {
  if (Holds(skipped_, skip.offset) || Holds(decided_skips_, skip.offset)) return;
  intake_.AddSkip(skip);
  decided_skips_.push_back(skip);
}

void LiveInput::ForgetBefore(TimeMs cursor) {
  while (!waiting_.empty() && waiting_.front().last_effective < cursor) waiting_.pop_front();
}

LogPosition LiveInput::Position(TimeMs cursor) {
  ForgetBefore(cursor);
  LogPosition low;
  if (waiting_.empty()) {
    low.low_offset = std::max(log_->position(), intake_.next_offset());
    low.newest = intake_.clock().newest();
    low.anchor = anchor_;
  } else {
    low.low_offset = waiting_.front().first.offset;
    low.newest = waiting_.front().newest_before;
    low.anchor = waiting_.front().first;
  }
  return PositionAt(low.low_offset < committed_.low_offset ? committed_ : low);
}

LogPosition LiveInput::PositionAgain(TimeMs cursor, const LogPosition& committed) {
  ForgetBefore(cursor);
  committed_ = committed;
  return PositionAt(committed);
}

LogPosition LiveInput::PositionAt(const LogPosition& low) {
  LogPosition position;
  position.source = schema().name;
  position.name = log_->name();
  position.identity = log_->identity();
  position.start_offset = start_offset_;
  position.lag = lag_;
  position.low_offset = low.low_offset;
  position.newest = low.newest;
  position.anchor = low.anchor;
  std::erase_if(floors_, [&](const Floor& floor) { return floor.from_offset <= position.low_offset; });
  std::erase_if(skipped_, [&](const SkippedRecord& skip) { return skip.offset < position.low_offset; });
  position.floors = floors_;
  position.skipped = skipped_;
  return position;
}

LogPosition LiveInput::Decided() const {
  LogPosition decided;
  decided.floors = decided_floors_;
  decided.skipped = decided_skips_;
  return decided;
}

void LiveInput::CommitDecisions() {
  skipped_.insert(skipped_.end(), decided_skips_.begin(), decided_skips_.end());
  decided_floors_.clear();
  decided_skips_.clear();
}

}  // namespace ebb
