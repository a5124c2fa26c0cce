// The tile ladder: all sawtooth windows of one source, for all aggregates of tiles. A window of length D with tile w at
// time t covers every event since the last multiple of w at or before t - D.
//
// The windows, shortest first, are levels. Level i holds the tiles that window i covers and window i-1 no longer does,
// plus their sum, the band; so window i is the bands 0..i added up. An event touches one tile and one band, however
// many windows there are. A tile that leaves window i moves on to level i+1, where tiles may be coarser; out of the
// last it is dropped. Work depends on tiles that hold something, never on time that passed.
//
// All tiles lie in one ring, the oldest first, so those of one level lie together and a tile that moves on stays where
// it is: the levels' numbers of tiles say where each begins.
//
// The grain of level i is the smallest tile of the windows i.. ; all windows must nest (operators/window/nesting.h).
#pragma once

#include <span>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/aggregate/aggregate.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class TileLadder {
 public:
  static constexpr int kMaxWords = 192;  // of all columns together

  // One aggregate of one slot under one filter.
  struct Column {
    const Aggregate* aggregate;
    int slot;    // -1: none
    int filter;  // -1: none
    bool operator==(const Column&) const = default;
  };

  explicit TileLadder(std::string name) : name_(std::move(name)) {}

  // Whether a window nests with all windows so far.
  bool Fits(const WindowPlan& window) const;
  // Before Declare: a feature whose value goes to `target`; `unit` is 10^decimals.
  void AddRead(const WindowPlan& window, int window_index, const Column& column, double unit, int target);
  // Fixes levels and columns and takes its place in the row. False when the columns pass kMaxWords.
  bool Declare(RowLayoutBuilder* layout);

  // Lets tiles leave whose time has come. Call before Add and Read, with times that never decrease.
  void Advance(RowRef* row, TimeMs now) const {
    TimeMs next = row->cells()[cells_];
    if (next != 0 && now >= next) (this->*roll_)(row, now);
  }
  // Adds a record, wherever in time it belongs.
  void Add(const Record& record, RowRef* row, TimeMs now) const;
  // Writes the features to their registers.
  void Read(const RowRef& row, double* registers) const;
  // Fetches ahead what Add (with `add`) and Advance will touch at `now`.
  void Prefetch(const RowRef& row, TimeMs now, bool add) const;

  // For `explain`.
  struct LevelInfo {
    int window;  // index in the plan
    DurationMs grain;
    int max_tiles;
  };
  std::vector<LevelInfo> levels() const;
  int words() const { return words_; }

 private:
  struct Level {
    int window;
    DurationMs length;  // 0: for ever; then the last, without tiles
    DurationMs tile;
    DurationMs grain;
    int band;  // first cell of the band
  };
  struct ReadPlan {
    int level, column;
    double unit;
    int target;
  };
  // The windows of one additive cell, shortest first: a running sum over the bands. Steps [first, last) of steps_.
  struct Run {
    uint16_t first, last;
    double unit;
  };
  struct Step {
    uint16_t cell;    // of the band, counted from the first band's first cell
    uint16_t target;  // register; kNoTarget: no feature wants this window
  };
  // A value that is more than one cell divided by the unit.
  struct LoweredRead {
    int level;
    const Aggregate* aggregate;
    int word;
    double unit;
    int target;
  };
  static constexpr uint16_t kNoTarget = 65535;

  void SortLevels();
  void SortColumns();
  void PlanReads();
  void PlanRuns(int column, std::vector<ReadPlan> reads);
  // kWords is the number of words of a tile when all of them are additive, known to the compiler; 0: any.
  template <int kWords>
  void Roll(RowRef* row, TimeMs now) const;
  // How many tiles of level i leave it, of those in places [first, end); they join level i+1.
  template <int kWords>
  int Leave(size_t i, RowRef* row, int first, int end, TimeMs now) const;
  // Tiles [first, end) join level i, which ends at `first`. How many there are then: those that fall into one tile of
  // it are one, and the places behind are unused.
  template <int kWords>
  int Join(size_t i, RowRef* row, int first, int end) const;
  template <int kWords>
  void Combine(int64_t* into, const int64_t* other) const;
  // When a tile that starts at `start` leaves the level.
  TimeMs Leaves(const Level& level, TimeMs start) const {
    if (level.grain != level.tile) start = FloorDiv(start, level.tile) * level.tile;
    return start + level.tile + level.length;
  }
  TimeMs LeavesOfTime(const Level& level, TimeMs time) const {
    return Leaves(level, FloorDiv(time, level.grain) * level.grain);
  }
  static int64_t MostTiles(const Level& level) { return (level.length + level.tile) / level.grain + 1; }
  void CombineInto(int64_t* into, const int64_t* other) const;
  void Rebuild(const Level& level, RowRef* row, int first, int end) const;
  int64_t* FindTile(size_t i, RowRef* row, TimeMs time) const;
  // Numbers of tiles: 16 bits for each level, four to a cell.
  int TilesOf(const RowRef& row, size_t i) const {
    return static_cast<int>(row.cells()[tiles_ + i / 4] >> (16 * (i % 4)) & 0xFFFF);
  }
  void AddTilesOf(RowRef* row, size_t i, int64_t added) const {
    row->cells()[tiles_ + i / 4] += added * (int64_t{1} << (16 * (i % 4)));
  }
  template <typename ToUnits>
  void ReadRun(const Run& run, const int64_t* bands, double* registers, ToUnits to_units) const;
  void ReadLowered(const int64_t* bands, double* registers) const;

  std::string name_;
  std::vector<Level> levels_;
  std::vector<Column> columns_;
  std::vector<int> word_of_;     // column -> first word
  std::vector<ReadPlan> reads_;  // as asked for; what Read uses comes from it
  std::vector<Run> runs_;
  std::vector<Step> steps_;
  std::vector<LoweredRead> lowered_;  // by level
  void (TileLadder::*roll_)(RowRef*, TimeMs) const = nullptr;
  int words_ = 0;
  int additive_words_ = 0;  // they come first
  int additive_columns_ = 0;
  size_t finite_ = 0;  // levels with tiles; they come first
  int section_ = -1;   // of the tiles; -1 without any
  int tiles_ = -1;     // cells with the numbers of tiles
  int cells_ = -1;     // cell: when the next tile leaves, 0: none; then the bands
};

}  // namespace ebb
