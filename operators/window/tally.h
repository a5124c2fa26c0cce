// How often each item came, tile by tile: what quantiles, entropy and the most frequent values need of a sawtooth
// window. A count leaves with its tile, so a window is exact however it moves. At most max_items pairs of tile and item
// are kept; when one had to go that the longest window still covers, the row remembers its tile and Overflowed says so.
#pragma once

#include <string>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/aggregate/aggregate.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class Tally {
 public:
  using ItemOf = int64_t (*)(int64_t value);

  // `of_value` is Aggregate::item, null when each value is an item.
  Tally(std::string name, int slot, int filter, ItemOf of_value)
      : name_(std::move(name)), slot_(slot), filter_(filter), item_of_(of_value) {}
  // Whether a window nests with all windows so far. Windows `ever` have a tally of their own, with one tile.
  bool Fits(const WindowPlan& window) const;

  int slot() const { return slot_; }
  int filter() const { return filter_; }
  ItemOf item_of() const { return item_of_; }
  // Before Declare.
  void AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate, double unit);
  void Declare(RowLayoutBuilder* layout);

  void Add(const Record& record, RowRef* row, TimeMs now) const;
  // Forgets what no window can see any more, then writes the features to their registers.
  void Read(RowRef* row, TimeMs now, double* registers) const;
  bool Overflowed(const RowRef& row, TimeMs now) const;

 private:
  struct ReadPlan {
    const Aggregate* aggregate;
    DurationMs length;  // 0: for ever
    DurationMs tile;
    double unit;
    AggregateOptions options;
    int target;
  };

  int64_t FirstTile(DurationMs length, DurationMs tile, TimeMs now) const;
  // Number of the oldest tile that a window can see.
  int64_t OldestTile(TimeMs now) const;
  void Expire(RowRef* row, TimeMs now) const;
  // The first entry that isn't before (tile, item).
  int Find(const RowRef& row, int64_t tile, int64_t item) const;
  double ReadOne(const ReadPlan& read, const RowRef& row, TimeMs now) const;

  std::string name_;
  int slot_;
  int filter_;
  ItemOf item_of_;
  int max_items_ = 0;
  DurationMs grain_ = 0;  // the smallest tile of the windows; 0: they are all `ever`
  std::vector<ReadPlan> reads_;
  int section_ = -1;   // entries: number of the tile, item, count; ascending
  int overflow_ = -1;  // cell: 1 + the newest tile that lost an item; 0: none
};

}  // namespace ebb
