// All features of a pipeline that are kept in the customer's row: which tiles, tables and cells a record touches, and
// how the features' registers are filled at any time. Features of the same source, field, filter and tile share their
// state.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/plan.h"
#include "operators/window/items.h"
#include "operators/window/periods.h"
#include "operators/window/sessions.h"
#include "operators/window/tail.h"
#include "operators/window/tally.h"
#include "operators/window/tile_ladder.h"

namespace ebb {

// Immutable after construction.
class FeatureSet {
 public:
  // Takes its places in the row. InvalidArgument when a row could pass 512 KiB.
  static absl::StatusOr<std::unique_ptr<FeatureSet>> Build(const Plan& plan, RowLayoutBuilder* layout);

  // Adds a record to the row; `now` is its effective time.
  void Update(const Record& record, RowRef* row, TimeMs now) const;
  // Fills the registers of all measures and builtins as of `now`, which is never before an earlier Update or Read.
  void Read(RowRef* row, TimeMs now, double* registers) const;
  // Second step of fetching ahead: the row's header is in the cache already.
  void Prefetch(const Record& record, const RowRef& row) const;
  // Time from which a recency measure (or tenure, with measure -1) counts; 0 when there was no such event.
  TimeMs Origin(const RowRef& row, int measure) const;
  // Whether a window lacks events, items or sessions that no longer fitted.
  bool Overflowed(const RowRef& row, TimeMs now) const { return can_overflow_ && HasOverflowed(row, now); }

  // For `explain`.
  const std::vector<std::unique_ptr<TileLadder>>& ladders(int source) const { return sources_[source].ladders; }

 private:
  struct Point {
    const Aggregate* aggregate;
    int slot, filter;
    DurationMs half_life;
    double unit;
    int cells;
    int target;
  };
  struct Source {
    std::vector<Point> points;
    std::vector<std::unique_ptr<TileLadder>> ladders;
    std::vector<std::unique_ptr<ItemTable>> items;
    std::vector<std::unique_ptr<EventTail>> tails;
    std::vector<std::unique_ptr<Tally>> tallies;
    std::vector<std::unique_ptr<PeriodRing>> rings;
    std::vector<std::unique_ptr<SessionTable>> sessions;
  };
  struct WindowDays {
    DurationMs length, tile;
    bool closed;
    int target;
  };

  static bool Declare(Source* source, RowLayoutBuilder* layout);
  bool HasOverflowed(const RowRef& row, TimeMs now) const;
  void AddMeasure(const Plan& plan, const MeasurePlan& measure, RowLayoutBuilder* layout);
  void AddTiles(const Plan& plan, const MeasurePlan& measure, const Aggregate* aggregate, double unit);

  std::vector<Source> sources_;
  std::vector<WindowDays> window_days_;
  std::vector<int> origin_cells_;  // by measure: cell of a recency, -1 otherwise
  bool can_overflow_ = false;      // something here has a limit: asked at every evaluation
  int tenure_target_ = -1;
  int first_seen_ = -1;  // cell: time of the customer's first event
};

}  // namespace ebb
