// Events sorted by (time, order of processing); every read folds the ones within its window.
#include "operators/window/tail.h"

#include <algorithm>

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
  reads_.push_back({aggregate, word, length, unit, measure.max_items, measure.target});
  max_events_ = std::max(max_events_, measure.max_events);
  longest_ = std::max(longest_, length);
}

void EventTail::Declare(RowLayoutBuilder* layout) {
  section_ = layout->AddSection(name_, words(), max_events_);
  overflow_ = layout->AddCells(name_ + ".overflow", 1);
}

void EventTail::Add(const Record& record, RowRef* row, TimeMs now) const {
  if (filter_ >= 0 && record.slots()[filter_] == 0) return;
  while (row->count(section_) > 0 && row->entry(section_, 0)[0] <= now - longest_) row->PopFront(section_);
  if (record.time <= now - longest_) return;
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
  while (row->count(section_) > 0 && row->entry(section_, 0)[0] <= now - longest_) row->PopFront(section_);
  for (const ReadPlan& read : reads_) registers[read.target] = ReadOne(read, *row, now);
}

double EventTail::ReadOne(const ReadPlan& read, const RowRef& row, TimeMs now) const {
  int first = row.count(section_);
  while (first > 0 && row.entry(section_, first - 1)[0] > now - read.length) --first;
  if (read.aggregate->shape == AggregateShape::kItems) return CountItems(read, row, first);
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

bool EventTail::Overflowed(const RowRef& row, TimeMs now) const { return row.cells()[overflow_] > now - longest_; }

}  // namespace ebb
