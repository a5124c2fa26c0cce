// Events sorted by (time, order of processing); every read folds the ones within its window.
#include "operators/window/tail.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"

namespace ebb {
namespace {

constexpr int64_t kNoValue = INT64_MIN;

}  // namespace

void EventTail::AddRead(const MeasurePlan& measure, const Aggregate* aggregate, DurationMs length, double unit) {
  int word = 0;
  if (measure.slot >= 0) {
    auto at = std::find(slots_.begin(), slots_.end(), measure.slot);
    word = 1 + static_cast<int>(at - slots_.begin());
    if (at == slots_.end()) slots_.push_back(measure.slot);
  }
  reads_.push_back({aggregate, word, length, measure.last, unit, measure.max_items, measure.options, measure.target});
  max_events_ = std::max(max_events_, by_count_ ? measure.last : measure.max_events);
  longest_ = std::max(longest_, length);
}

void EventTail::Declare(RowLayoutBuilder* layout) {
  section_ = layout->AddSection(name_, words(), max_events_);
  overflow_ = layout->AddCells(name_ + ".overflow", 1);
}

void EventTail::Expire(RowRef* row, TimeMs now) const {
  if (by_count_) return;
  while (row->count(section_) > 0 && row->entry(section_, 0)[0] <= now - longest_) row->PopFront(section_);
}

void EventTail::Add(const Record& record, RowRef* row, TimeMs now) const {
  if (filter_ >= 0 && record.slots()[filter_] == 0) return;
  Expire(row, now);
  if (!by_count_ && record.time <= now - longest_) return;
  if (row->count(section_) == max_events_) {
    const TimeMs oldest = std::min(row->entry(section_, 0)[0], record.time);
    row->cells()[overflow_] = std::max(row->cells()[overflow_], oldest);
    if (oldest == record.time && record.time < row->entry(section_, 0)[0]) return;
    row->PopFront(section_);
  }
  int at = row->count(section_);
  while (at > 0 && row->entry(section_, at - 1)[0] > record.time) --at;
  int64_t* entry = at == row->count(section_) ? row->PushBack(section_) : row->Insert(section_, at);
  entry[0] = record.time;
  for (size_t i = 0; i < slots_.size(); ++i) {
    entry[1 + i] = record.is_null(slots_[i]) ? kNoValue : record.slots()[slots_[i]];
  }
}

void EventTail::Read(RowRef* row, TimeMs now, double* registers) const {
  Expire(row, now);
  for (const ReadPlan& read : reads_) registers[read.target] = ReadOne(read, *row, now);
}

double EventTail::ReadOne(const ReadPlan& read, const RowRef& row, TimeMs now) const {
  int first = by_count_ ? std::max(0, row.count(section_) - read.last) : row.count(section_);
  while (!by_count_ && first > 0 && row.entry(section_, first - 1)[0] > now - read.length) --first;
  if (read.aggregate->shape == AggregateShape::kItems) return CountItems(read, row, first);
  if (read.aggregate->shape != AggregateShape::kTiles) return ReadMany(read, row, first);
  int64_t cells[Aggregate::kMaxWords] = {};
  for (int i = first; i < row.count(section_); ++i) {
    const int64_t* entry = row.entry(section_, i);
    if (read.word != 0 && entry[read.word] == kNoValue) continue;
    read.aggregate->lift(cells, read.word == 0 ? 0 : entry[read.word], entry[0], 0);
  }
  return read.aggregate->Lower(cells, read.unit);
}

double EventTail::CountItems(const ReadPlan& read, const RowRef& row, int first) const {
  int count = 0;
  for (int i = first; i < row.count(section_) && count < read.max_items; ++i) {
    const int64_t item = row.entry(section_, i)[read.word];
    bool fresh = item != kNoValue;
    for (int before = first; fresh && before < i; ++before) fresh = row.entry(section_, before)[read.word] != item;
    count += fresh;
  }
  return count;
}

double EventTail::ReadMany(const ReadPlan& read, const RowRef& row, int first) const {
  absl::InlinedVector<TimedValue, 64> events;
  for (int i = first; i < row.count(section_); ++i) {
    const int64_t* entry = row.entry(section_, i);
    const int64_t value = read.word == 0 ? 0 : entry[read.word];
    if (value != kNoValue) events.push_back({entry[0], value});
  }
  if (read.aggregate->shape == AggregateShape::kEvents) return read.aggregate->of_events(events, read.unit);
  std::sort(events.begin(), events.end(), [](const TimedValue& a, const TimedValue& b) { return a.value < b.value; });
  absl::InlinedVector<ItemCount, 64> items;
  for (const TimedValue& event : events) {
    if (items.empty() || items.back().item != event.value) items.push_back({event.value, 0});
    ++items.back().count;
  }
  return read.aggregate->of_items(items, read.options, read.unit);
}

bool EventTail::Overflowed(const RowRef& row, TimeMs now) const {
  return !by_count_ && row.cells()[overflow_] > now - longest_;
}

}  // namespace ebb
