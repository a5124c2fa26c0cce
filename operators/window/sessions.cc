// Sessions are kept oldest first; between two of them lies more than the gap.
#include "operators/window/sessions.h"

#include <algorithm>

namespace ebb {
namespace {

enum Word { kStart, kEnd, kEvents, kWords };

}  // namespace

void SessionTable::AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate) {
  reads_.push_back({aggregate, window.length, measure.target});
  longest_ = std::max(longest_, window.length);
  max_sessions_ = std::max(max_sessions_, measure.max_sessions);
}

void SessionTable::Declare(RowLayoutBuilder* layout) {
  section_ = layout->AddSection(name_, kWords, max_sessions_);
  overflow_ = layout->AddCells(name_ + ".overflow", 1);
}

// A session stays for as long as an event within the longest window could touch it.
void SessionTable::Expire(RowRef* row, TimeMs now) const {
  while (row->count(section_) > 0 && row->entry(section_, 0)[kEnd] + gap_ <= now - longest_) row->PopFront(section_);
}

void SessionTable::Add(const Record& record, RowRef* row, TimeMs now) const {
  if (filter_ >= 0 && record.slots()[filter_] == 0) return;
  Expire(row, now);
  const TimeMs time = record.time;
  int at = row->count(section_);  // the first session that begins after the event
  while (at > 0 && row->entry(section_, at - 1)[kStart] > time) --at;
  int64_t* before = at > 0 ? row->entry(section_, at - 1) : nullptr;
  int64_t* after = at < row->count(section_) ? row->entry(section_, at) : nullptr;
  const bool touches_before = before != nullptr && time - before[kEnd] <= gap_;
  const bool touches_after = after != nullptr && after[kStart] - time <= gap_;
  if (touches_before) {
    before[kEnd] = std::max(before[kEnd], time);
    ++before[kEvents];
    if (touches_after && after[kStart] - before[kEnd] <= gap_) {
      before[kEnd] = after[kEnd];
      before[kEvents] += after[kEvents];
      row->Erase(section_, at);
    }
  } else if (touches_after) {
    after[kStart] = time;
    ++after[kEvents];
  } else if (time > now - longest_) {
    Insert(row, at, time);
  }
}

void SessionTable::Insert(RowRef* row, int at, TimeMs time) const {
  if (row->count(section_) == max_sessions_) {
    const TimeMs lost = at == 0 ? time : row->entry(section_, 0)[kEnd];
    row->cells()[overflow_] = std::max(row->cells()[overflow_], lost);
    if (at == 0) return;
    row->PopFront(section_);
    --at;
  }
  int64_t* session = at == row->count(section_) ? row->PushBack(section_) : row->Insert(section_, at);
  session[kStart] = time;
  session[kEnd] = time;
  session[kEvents] = 1;
}

void SessionTable::Read(RowRef* row, TimeMs now, double* registers) const {
  Expire(row, now);
  for (const ReadPlan& read : reads_) {
    SessionTotals totals;
    for (int i = 0; i < row->count(section_); ++i) {
      const int64_t* session = row->entry(section_, i);
      if (session[kEnd] <= now - read.length) continue;
      ++totals.count;
      totals.length += session[kEnd] - session[kStart];
      totals.events += session[kEvents];
      totals.bounces += session[kEvents] == 1;
      if (now - session[kEnd] > gap_) totals.closed_end = session[kEnd];
    }
    registers[read.target] = read.aggregate->of_sessions(totals, now);
  }
}

bool SessionTable::Overflowed(const RowRef& row, TimeMs now) const { return row.cells()[overflow_] > now - longest_; }

}  // namespace ebb
