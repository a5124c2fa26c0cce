// Sessions: events of which each follows the one before within `gap`. A late event lengthens the session that it
// touches, may join two of them, or makes one of its own. A window covers the sessions whose last event lies within
// (t - D, t], whole ones. At most max_sessions are kept; when one had to go that the longest window still covers, the
// row remembers its end and Overflowed says so.
//
// A late event that is older than the longest window and touches no session that is still kept is forgotten.
#pragma once

#include <string>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/aggregate/aggregate.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class SessionTable {
 public:
  SessionTable(std::string name, int filter, DurationMs gap) : name_(std::move(name)), filter_(filter), gap_(gap) {}

  int filter() const { return filter_; }
  DurationMs gap() const { return gap_; }
  // Before Declare. The window has an end.
  void AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate);
  void Declare(RowLayoutBuilder* layout);

  void Add(const Record& record, RowRef* row, TimeMs now) const;
  void Read(RowRef* row, TimeMs now, double* registers) const;
  bool Overflowed(const RowRef& row, TimeMs now) const;

 private:
  struct ReadPlan {
    const Aggregate* aggregate;
    DurationMs length;
    int target;
  };

  void Expire(RowRef* row, TimeMs now) const;
  void Insert(RowRef* row, int at, TimeMs time) const;

  std::string name_;
  int filter_;
  DurationMs gap_;
  int max_sessions_ = 0;
  DurationMs longest_ = 0;
  std::vector<ReadPlan> reads_;
  int section_ = -1;   // entries: first event, last event, number of events; ascending
  int overflow_ = -1;  // cell: end of the newest session that had to go; 0: none
};

}  // namespace ebb
