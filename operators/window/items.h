// The last-seen table behind `distinct`: item -> the tile in which it was last seen, least recent first. One table
// answers every window: the items whose tile lies within it. At most max_items are kept; when it is full, the least
// recent goes, so that the answer is min(max_items, number of different items), exactly.
#pragma once

#include <string>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class ItemTable {
 public:
  ItemTable(std::string name, int slot, int filter) : name_(std::move(name)), slot_(slot), filter_(filter) {}
  // Whether a window nests with all windows so far (operators/window/nesting.h).
  bool Fits(const WindowPlan& window) const;

  int slot() const { return slot_; }
  int filter() const { return filter_; }
  // Before Declare.
  void AddRead(const WindowPlan& window, int max_items, int target);
  void Declare(RowLayoutBuilder* layout);

  void Add(const Record& record, RowRef* row) const;
  // Forgets what no window can see any more, then writes the features to their registers.
  void Read(RowRef* row, TimeMs now, double* registers) const;
  void Prefetch(const RowRef& row) const;
  int max_items() const { return max_items_; }
  DurationMs grain() const { return grain_; }

 private:
  struct ReadPlan {
    DurationMs length;  // 0: for ever
    DurationMs tile;
    int max_items;
    int target;
    int64_t tile_grains = 0;  // tile and length in grains
    int64_t length_grains = 0;
  };

  int Find(const RowRef& row, int64_t item) const;

  std::string name_;
  int slot_;
  int filter_;
  int max_items_ = 0;
  DurationMs grain_ = 0;         // the smallest tile of the windows
  std::vector<ReadPlan> reads_;  // the one that reaches back furthest first
  int section_ = -1;             // entries: item, number of the tile
};

}  // namespace ebb
