// The event tail behind `exact: true`: a customer's last events with the fields that the features need, sorted by time,
// so that a window (t - D, t] is exact to the millisecond. At most max_events are kept; when one had to go that a
// window would still cover, the row remembers its time and Overflowed says so. A tail by count, behind `last: K`, keeps
// the K newest events however old they are.
#pragma once

#include <string>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/aggregate/aggregate.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class EventTail {
 public:
  EventTail(std::string name, int filter, bool by_count)
      : name_(std::move(name)), filter_(filter), by_count_(by_count) {}

  int filter() const { return filter_; }
  bool by_count() const { return by_count_; }
  // Before Declare.
  void AddRead(const MeasurePlan& measure, const Aggregate* aggregate, DurationMs length, double unit);
  void Declare(RowLayoutBuilder* layout);

  void Add(const Record& record, RowRef* row, TimeMs now) const;
  void Read(RowRef* row, TimeMs now, double* registers) const;
  // Whether the longest window at `now` lacks events.
  bool Overflowed(const RowRef& row, TimeMs now) const;
  int max_events() const { return max_events_; }
  int words() const { return 1 + static_cast<int>(slots_.size()); }

 private:
  struct ReadPlan {
    const Aggregate* aggregate;
    int word;  // of the entry; 0: no field
    DurationMs length;
    int last;
    double unit;
    int max_items;
    AggregateOptions options;
    int target;
  };

  double ReadOne(const ReadPlan& read, const RowRef& row, TimeMs now) const;
  double CountItems(const ReadPlan& read, const RowRef& row, int first) const;
  // For aggregates of tallies and of events.
  double ReadMany(const ReadPlan& read, const RowRef& row, int first) const;
  void Expire(RowRef* row, TimeMs now) const;

  std::string name_;
  int filter_;
  bool by_count_;
  int max_events_ = 0;
  DurationMs longest_ = 0;
  std::vector<int> slots_;
  std::vector<ReadPlan> reads_;
  int section_ = -1;   // entries: time, then one word per slot; kNoValue: null
  int overflow_ = -1;  // cell: time of the newest event that had to go; 0: none
};

}  // namespace ebb
