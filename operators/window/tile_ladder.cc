// Levels, bands and tiles; see the header for the invariant. A tile in its section: start time, then the words of the
// columns, additive columns first.
#include "operators/window/tile_ladder.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "engine/base/check.h"
#include "operators/window/nesting.h"

namespace ebb {

bool TileLadder::Fits(const WindowPlan& window) const {
  if (window.length == 0) return true;
  return std::all_of(levels_.begin(), levels_.end(), [&](const Level& level) {
    return level.length == 0 || Nest({"", level.length, level.tile}, window);
  });
}

void TileLadder::AddRead(const WindowPlan& window, int window_index, const Column& column, double unit, int target) {
  auto known = std::find_if(levels_.begin(), levels_.end(), [&](const Level& l) { return l.window == window_index; });
  if (known == levels_.end()) {
    Level level{};
    level.window = window_index;
    level.length = window.length;
    level.tile = window.tile;
    levels_.push_back(level);
  }
  auto at = std::find(columns_.begin(), columns_.end(), column);
  if (at == columns_.end()) at = columns_.insert(at, column);
  // level and column are the window and the place in columns_ until Declare has sorted both.
  reads_.push_back({window_index, static_cast<int>(at - columns_.begin()), column.aggregate->lower, 0,
                    column.aggregate->UnitOf(unit), target});
}

bool TileLadder::Declare(RowLayoutBuilder* layout) {
  const auto endless = [](const Level& l) { return l.length == 0 ? kAfterTime : l.length; };
  std::sort(levels_.begin(), levels_.end(), [&](const Level& a, const Level& b) {
    return std::tuple(endless(a), a.tile, a.window) < std::tuple(endless(b), b.tile, b.window);
  });
  DurationMs grain = 0;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (level->length == 0) continue;
    grain = grain == 0 ? level->tile : std::min(grain, level->tile);
    level->grain = grain;
  }
  std::vector<int> order(columns_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_partition(order.begin(), order.end(), [&](int c) { return columns_[c].aggregate->additive; });
  std::vector<Column> sorted;
  std::vector<int> place(columns_.size());
  for (int c : order) {
    place[c] = static_cast<int>(sorted.size());
    sorted.push_back(columns_[c]);
    word_of_.push_back(words_);
    words_ += columns_[c].aggregate->words;
    if (columns_[c].aggregate->additive) {
      additive_words_ = words_;
      ++additive_columns_;
    }
  }
  columns_ = std::move(sorted);
  if (words_ > kMaxWords) return false;

  cells_ = layout->AddCells(name_ + ".bands", 1 + words_ * static_cast<int>(levels_.size()));
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].band = cells_ + 1 + words_ * static_cast<int>(i);
    if (levels_[i].length == 0) continue;
    int64_t tiles = (levels_[i].length + levels_[i].tile) / levels_[i].grain + 1;
    if (tiles > 20000) return false;
    levels_[i].section = layout->AddSection(name_ + ".tiles", 1 + words_, static_cast<int>(tiles));
  }
  for (ReadPlan& read : reads_) {
    for (size_t i = 0; i < levels_.size(); ++i) {
      if (levels_[i].window == read.level) {
        read.level = static_cast<int>(i);
        break;
      }
    }
    read.column = place[read.column];
    read.word = word_of_[read.column];
  }
  std::stable_sort(reads_.begin(), reads_.end(),
                   [](const ReadPlan& a, const ReadPlan& b) { return a.level < b.level; });
  int next = 0;
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].first_read = next;
    while (next < static_cast<int>(reads_.size()) && reads_[next].level == static_cast<int>(i)) ++next;
    levels_[i].last_read = next;
  }
  return true;
}

void TileLadder::CombineInto(int64_t* into, const int64_t* other) const {
  for (int w = 0; w < additive_words_; ++w) into[w] += other[w];
  for (size_t c = additive_columns_; c < columns_.size(); ++c) {
    columns_[c].aggregate->combine(into + word_of_[c], other + word_of_[c]);
  }
}

// A tile of the level before joins this one; it is never older than what is here.
void TileLadder::Join(const Level& level, RowRef* row, TimeMs start, const int64_t* words) const {
  CombineInto(row->cells() + level.band, words);
  if (level.length == 0) return;
  start = FloorDiv(start, level.grain) * level.grain;
  int count = row->count(level.section);
  int64_t* tile = count == 0 ? nullptr : row->entry(level.section, count - 1);
  EBB_CHECK(tile == nullptr || tile[0] <= start, "tiles out of order");
  if (tile == nullptr || tile[0] != start) {
    tile = row->PushBack(level.section);
    tile[0] = start;
  }
  CombineInto(tile + 1, words);
}

// Cells that can't be subtracted are made anew from the tiles that are left.
void TileLadder::Rebuild(const Level& level, RowRef* row) const {
  int64_t* band = row->cells() + level.band;
  std::fill(band + additive_words_, band + words_, 0);
  for (int i = 0; i < row->count(level.section); ++i) {
    const int64_t* words = row->entry(level.section, i) + 1;
    for (size_t c = additive_columns_; c < columns_.size(); ++c) {
      columns_[c].aggregate->combine(band + word_of_[c], words + word_of_[c]);
    }
  }
}

void TileLadder::Roll(RowRef* row, TimeMs now) const {
  TimeMs next = kAfterTime;
  for (size_t i = 0; i < levels_.size() && levels_[i].length != 0; ++i) {
    const Level& level = levels_[i];
    bool left = false;
    while (row->count(level.section) > 0) {
      const int64_t* tile = row->entry(level.section, 0);
      const TimeMs leaves = Leaves(level, tile[0]);
      if (leaves > now) {
        next = std::min(next, leaves);
        break;
      }
      int64_t copy[1 + kMaxWords];
      for (int w = 0; w <= words_; ++w) copy[w] = tile[w];  // Join may move the row
      row->PopFront(level.section);
      int64_t* band = row->cells() + level.band;
      for (int w = 0; w < additive_words_; ++w) band[w] -= copy[1 + w];
      left = true;
      if (i + 1 < levels_.size()) Join(levels_[i + 1], row, copy[0], copy + 1);
    }
    if (left && additive_words_ < words_) Rebuild(level, row);
  }
  row->cells()[cells_] = next == kAfterTime ? 0 : next;
}

// The tile that starts at `start`, made if there is none.
int64_t* TileLadder::FindTile(const Level& level, RowRef* row, TimeMs start) const {
  int at = row->count(level.section);
  while (at > 0) {
    int64_t* tile = row->entry(level.section, at - 1);
    if (tile[0] == start) return tile;
    if (tile[0] < start) break;
    --at;
  }
  int64_t* tile = at == row->count(level.section) ? row->PushBack(level.section) : row->Insert(level.section, at);
  tile[0] = start;
  TimeMs& next = row->cells()[cells_];
  TimeMs leaves = Leaves(level, start);
  if (next == 0 || leaves < next) next = leaves;
  return tile;
}

void TileLadder::Add(const Record& record, RowRef* row, TimeMs now) const {
  const auto skip = [&record](const Column& column) {
    return (column.filter >= 0 && record.slots()[column.filter] == 0) ||
           (column.slot >= 0 && record.is_null(column.slot));
  };
  int64_t delta[kMaxWords];
  std::fill_n(delta, additive_words_, 0);
  bool any = false;
  for (int c = 0; c < additive_columns_; ++c) {
    const Column& column = columns_[c];
    if (skip(column)) continue;
    any = true;
    column.aggregate->lift(delta + word_of_[c], column.slot < 0 ? 0 : record.slots()[column.slot], record.time, 0);
  }
  for (size_t c = additive_columns_; !any && c < columns_.size(); ++c) any = !skip(columns_[c]);
  if (!any) return;

  const Level* level = nullptr;
  TimeMs start = 0;
  for (const Level& candidate : levels_) {
    if (candidate.length != 0) {
      start = FloorDiv(record.time, candidate.grain) * candidate.grain;
      if (record.time != now && Leaves(candidate, start) <= now) continue;
    }
    level = &candidate;
    break;
  }
  if (level == nullptr) return;  // older than the longest window
  int64_t* tile = level->length == 0 ? nullptr : FindTile(*level, row, start) + 1;
  int64_t* band = row->cells() + level->band;
  for (int w = 0; w < additive_words_; ++w) band[w] += delta[w];
  for (int w = 0; tile != nullptr && w < additive_words_; ++w) tile[w] += delta[w];
  for (size_t c = additive_columns_; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    if (skip(column)) continue;
    const int64_t value = column.slot < 0 ? 0 : record.slots()[column.slot];
    column.aggregate->lift(band + word_of_[c], value, record.time, 0);
    if (tile != nullptr) column.aggregate->lift(tile + word_of_[c], value, record.time, 0);
  }
}

void TileLadder::Read(const RowRef& row, double* registers) const {
  int64_t window[kMaxWords];
  std::fill_n(window, words_, 0);
  for (const Level& level : levels_) {
    const int64_t* band = row.cells() + level.band;
    for (int w = 0; w < additive_words_; ++w) window[w] += band[w];
    for (size_t c = additive_columns_; c < columns_.size(); ++c) {
      columns_[c].aggregate->combine(window + word_of_[c], band + word_of_[c]);
    }
    for (int r = level.first_read; r < level.last_read; ++r) {
      const ReadPlan& read = reads_[r];
      registers[read.target] = read.lower == nullptr ? static_cast<double>(window[read.word]) / read.unit
                                                     : read.lower(window + read.word, read.unit);
    }
  }
}

void TileLadder::Prefetch(const RowRef& row, TimeMs now, bool add) const {
  const TimeMs next = row.cells()[cells_];
  const bool rolls = next != 0 && now >= next;
  if (!rolls && !add) return;
  for (const Level& level : levels_) {
    if (level.length == 0) break;
    const int count = row.count(level.section);
    if (count > 0) {
      __builtin_prefetch(row.entry(level.section, count - 1), 1);
      if (rolls) __builtin_prefetch(row.entry(level.section, 0));
    }
    if (!rolls) break;  // only the newest tile of the first level is touched
  }
}

std::vector<TileLadder::LevelInfo> TileLadder::levels() const {
  std::vector<LevelInfo> infos;
  for (const Level& level : levels_) {
    int tiles = level.length == 0 ? 0 : static_cast<int>((level.length + level.tile) / level.grain + 1);
    infos.push_back({level.window, level.grain, tiles});
  }
  return infos;
}

}  // namespace ebb
