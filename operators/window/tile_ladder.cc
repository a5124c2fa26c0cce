// Levels, bands and tiles; see the header for the invariant. A tile in its section: start time, then the words of the
// columns, additive columns first.
#include "operators/window/tile_ladder.h"

#include <algorithm>
#include <array>
#include <iterator>
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
  reads_.push_back({window_index, static_cast<int>(at - columns_.begin()), column.aggregate->UnitOf(unit), target});
}

void TileLadder::SortLevels() {
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
  for (ReadPlan& read : reads_) {
    auto at = std::find_if(levels_.begin(), levels_.end(), [&](const Level& l) { return l.window == read.level; });
    read.level = static_cast<int>(at - levels_.begin());
  }
}

void TileLadder::SortColumns() {
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
  for (ReadPlan& read : reads_) read.column = place[read.column];
}

bool TileLadder::Declare(RowLayoutBuilder* layout) {
  SortLevels();
  SortColumns();
  if (words_ > kMaxWords) return false;
  cells_ = layout->AddCells(name_ + ".bands", 1 + words_ * static_cast<int>(levels_.size()));
  int64_t tiles = 0;
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].band = cells_ + 1 + words_ * static_cast<int>(i);
    if (levels_[i].length == 0) continue;
    ++finite_;
    tiles += MostTiles(levels_[i]);
  }
  if (tiles > RowLayoutBuilder::kMaxEntries) return false;
  if (finite_ > 0) {
    tiles_ = layout->AddCells(name_ + ".counts", static_cast<int>((finite_ + 3) / 4));
    section_ = layout->AddSection(name_ + ".tiles", 1 + words_, static_cast<int>(tiles));
  }
  PlanReads();
  constexpr std::array kRolls = {&TileLadder::Roll<0>, &TileLadder::Roll<1>, &TileLadder::Roll<2>, &TileLadder::Roll<3>,
                                 &TileLadder::Roll<4>, &TileLadder::Roll<5>, &TileLadder::Roll<6>};
  const bool additive = additive_words_ == words_ && words_ < static_cast<int>(kRolls.size());
  roll_ = kRolls[additive ? words_ : 0];
  return true;
}

void TileLadder::PlanReads() {
  std::stable_sort(reads_.begin(), reads_.end(),
                   [](const ReadPlan& a, const ReadPlan& b) { return a.level < b.level; });
  for (int c = 0; c < static_cast<int>(columns_.size()); ++c) {
    std::vector<ReadPlan> reads;
    std::copy_if(reads_.begin(), reads_.end(), std::back_inserter(reads),
                 [c](const ReadPlan& read) { return read.column == c; });
    if (columns_[c].aggregate->additive && columns_[c].aggregate->lower == nullptr) PlanRuns(c, std::move(reads));
  }
  for (const ReadPlan& read : reads_) {
    const Aggregate& aggregate = *columns_[read.column].aggregate;
    if (aggregate.additive && aggregate.lower == nullptr) continue;
    lowered_.push_back({read.level, &aggregate, word_of_[read.column], read.unit, read.target});
  }
}

// One run for the first feature of each window; features that say the same again get a run of their own.
void TileLadder::PlanRuns(int column, std::vector<ReadPlan> reads) {
  while (!reads.empty()) {
    Run run{static_cast<uint16_t>(steps_.size()), 0, reads[0].unit};
    std::vector<ReadPlan> left;
    int level = 0;
    for (const ReadPlan& read : reads) {
      if (read.level < level || read.unit != run.unit) {
        left.push_back(read);
        continue;
      }
      for (; level <= read.level; ++level) {
        const uint16_t target = level == read.level ? static_cast<uint16_t>(read.target) : kNoTarget;
        steps_.push_back({static_cast<uint16_t>(words_ * level + word_of_[column]), target});
      }
    }
    run.last = static_cast<uint16_t>(steps_.size());
    runs_.push_back(run);
    reads = std::move(left);
  }
}

void TileLadder::CombineInto(int64_t* into, const int64_t* other) const {
  for (int w = 0; w < additive_words_; ++w) into[w] += other[w];
  for (size_t c = additive_columns_; c < columns_.size(); ++c) {
    columns_[c].aggregate->combine(into + word_of_[c], other + word_of_[c]);
  }
}

// Cells that can't be subtracted are made anew from the tiles that are left, those in places [first, end).
void TileLadder::Rebuild(const Level& level, RowRef* row, int first, int end) const {
  int64_t* band = row->cells() + level.band;
  std::fill(band + additive_words_, band + words_, 0);
  for (int i = first; i < end; ++i) {
    const int64_t* words = row->entry(section_, i) + 1;
    for (size_t c = additive_columns_; c < columns_.size(); ++c) {
      columns_[c].aggregate->combine(band + word_of_[c], words + word_of_[c]);
    }
  }
}

template <int kWords>
void TileLadder::Combine(int64_t* into, const int64_t* other) const {
  if constexpr (kWords > 0) {
    for (int w = 0; w < kWords; ++w) into[w] += other[w];
  } else {
    CombineInto(into, other);
  }
}

template <int kWords>
int TileLadder::Leave(size_t i, RowRef* row, int first, int end, TimeMs now) const {
  const int words = 1 + (kWords > 0 ? kWords : words_);
  const int additive = kWords > 0 ? kWords : additive_words_;
  int64_t* band = row->cells() + levels_[i].band;
  int64_t* joined = i + 1 < levels_.size() ? row->cells() + levels_[i + 1].band : nullptr;
  int at = first;
  for (; at < end; ++at) {
    const int64_t* tile = row->entry(section_, at, words);
    if (Leaves(levels_[i], tile[0]) > now) break;
    for (int w = 0; w < additive; ++w) band[w] -= tile[1 + w];
    if (joined != nullptr) Combine<kWords>(joined, tile + 1);
  }
  return at - first;
}

template <int kWords>
int TileLadder::Join(size_t i, RowRef* row, int first, int end) const {
  const int words = 1 + (kWords > 0 ? kWords : words_);
  const DurationMs grain = levels_[i].grain;
  int64_t* newest = TilesOf(*row, i) > 0 ? row->entry(section_, first - 1, words) : nullptr;
  int place = first;
  for (int at = first; at < end; ++at) {
    const int64_t* tile = row->entry(section_, at, words);
    EBB_CHECK(newest == nullptr || newest[0] <= tile[0], "tiles out of order");
    if (newest != nullptr && tile[0] - newest[0] < grain) {
      Combine<kWords>(newest + 1, tile + 1);
      continue;
    }
    newest = row->entry(section_, place++, words);
    if (newest != tile) std::copy_n(tile, words, newest);
    newest[0] = FloorDiv(newest[0], grain) * grain;
  }
  return place - first;
}

template <int kWords>
void TileLadder::Roll(RowRef* row, TimeMs now) const {
  TimeMs next = kAfterTime;
  int end = row->count(section_);  // behind the newest tile of the level
  for (size_t i = 0; i < finite_; ++i) {
    int first = end - TilesOf(*row, i);
    if (const int left = Leave<kWords>(i, row, first, end, now); left > 0) {
      const int joined = i + 1 < finite_ ? Join<kWords>(i + 1, row, first, first + left) : 0;
      if (joined < left) row->Erase(section_, first + joined, left - joined);
      AddTilesOf(row, i, -left);
      if (joined > 0) AddTilesOf(row, i + 1, joined);
      end -= left - joined;
      first += joined;
      if (kWords == 0 && additive_words_ < words_) Rebuild(levels_[i], row, first, end);
    }
    if (first < end) next = std::min(next, Leaves(levels_[i], row->entry(section_, first)[0]));
    end = first;
  }
  row->cells()[cells_] = next == kAfterTime ? 0 : next;
}

// The tile of level i that `time` falls into, made if there is none.
int64_t* TileLadder::FindTile(size_t i, RowRef* row, TimeMs time) const {
  const Level& level = levels_[i];
  int at = row->count(section_);
  for (size_t newer = 0; newer < i; ++newer) at -= TilesOf(*row, newer);
  const int first = at - TilesOf(*row, i);
  while (at > first) {
    int64_t* tile = row->entry(section_, at - 1, 1 + words_);
    if (tile[0] <= time && time - tile[0] < level.grain) return tile;
    if (tile[0] < time) break;
    --at;
  }
  const TimeMs start = FloorDiv(time, level.grain) * level.grain;
  int64_t* tile = at == row->count(section_) ? row->PushBack(section_) : row->Insert(section_, at);
  tile[0] = start;
  AddTilesOf(row, i, 1);
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
  bool any = false;
  for (int c = 0; c < additive_columns_; ++c) {
    const Column& column = columns_[c];
    const int word = word_of_[c];
    for (int w = 0; w < column.aggregate->words; ++w) delta[word + w] = 0;
    if (skip(column)) continue;
    any = true;
    column.aggregate->lift(delta + word, column.slot < 0 ? 0 : record.slots()[column.slot], record.time, 0);
  }
  for (size_t c = additive_columns_; !any && c < columns_.size(); ++c) any = !skip(columns_[c]);
  if (!any) return;

  size_t level = 0;
  if (record.time != now) {
    while (level < finite_ && LeavesOfTime(levels_[level], record.time) <= now) ++level;
    if (level == levels_.size()) return;  // older than the longest window
  }
  int64_t* tile = level < finite_ ? FindTile(level, row, record.time) + 1 : nullptr;
  int64_t* band = row->cells() + levels_[level].band;
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
  const int64_t* bands = row.cells() + cells_ + 1;
  for (const Run& run : runs_) {
    if (run.unit == 1) {
      ReadRun(run, bands, registers, [](double value) { return value; });
    } else {
      ReadRun(run, bands, registers, [unit = run.unit](double value) { return value / unit; });
    }
  }
  if (!lowered_.empty()) ReadLowered(bands, registers);
}

template <typename ToUnits>
void TileLadder::ReadRun(const Run& run, const int64_t* bands, double* registers, ToUnits to_units) const {
  int64_t sum = 0;
  const Step* const last = steps_.data() + run.last;
  for (const Step* step = steps_.data() + run.first; step != last; ++step) {
    sum += bands[step->cell];
    if (step->target != kNoTarget) registers[step->target] = to_units(static_cast<double>(sum));
  }
}

void TileLadder::ReadLowered(const int64_t* bands, double* registers) const {
  int64_t window[kMaxWords];
  std::fill_n(window, words_, 0);
  auto read = lowered_.begin();
  for (int level = 0; read != lowered_.end(); ++level) {
    CombineInto(window, bands + level * words_);
    for (; read != lowered_.end() && read->level == level; ++read) {
      registers[read->target] = read->aggregate->Lower(window + read->word, read->unit);
    }
  }
}

void TileLadder::Prefetch(const RowRef& row, TimeMs now, bool add) const {
  const TimeMs next = row.cells()[cells_];
  const bool rolls = next != 0 && now >= next;
  int end = section_ < 0 ? 0 : row.count(section_);
  if (end == 0 || (!rolls && !add)) return;
  const int words = 1 + words_;
  __builtin_prefetch(row.entry(section_, end - 1, words), 1);
  for (size_t i = 0; rolls && i < finite_; ++i) {
    // The oldest of the level, and the newest of the next.
    end -= TilesOf(row, i);
    if (end > 0) __builtin_prefetch(row.entry(section_, end - 1, words), 1);
    if (end < row.count(section_)) __builtin_prefetch(row.entry(section_, end, words), 1);
  }
}

std::vector<TileLadder::LevelInfo> TileLadder::levels() const {
  std::vector<LevelInfo> infos;
  for (const Level& level : levels_) {
    infos.push_back({level.window, level.grain, level.length == 0 ? 0 : static_cast<int>(MostTiles(level))});
  }
  return infos;
}

}  // namespace ebb
