// Entries are sorted by tile, and within a tile by when they were last placed: the newest is at the end.
#include "operators/window/items.h"

#include <algorithm>
#include <utility>

#include "operators/window/nesting.h"

namespace ebb {

bool ItemTable::Fits(const WindowPlan& window) const {
  if (window.length == 0) return true;
  return std::all_of(reads_.begin(), reads_.end(), [&](const ReadPlan& read) {
    return read.length == 0 || Nest({"", read.length, read.tile}, window);
  });
}

void ItemTable::AddRead(const WindowPlan& window, int max_items, int target) {
  reads_.push_back({window.length, window.tile, max_items, target});
  max_items_ = std::max(max_items_, max_items);
  if (window.length != 0) grain_ = grain_ == 0 ? window.tile : std::min(grain_, window.tile);
}

void ItemTable::Declare(RowLayoutBuilder* layout) {
  if (grain_ == 0) grain_ = kDay;
  const auto reach = [](const ReadPlan& r) { return std::pair(r.length == 0 ? kAfterTime : r.length, r.tile); };
  std::stable_sort(reads_.begin(), reads_.end(),
                   [&](const ReadPlan& a, const ReadPlan& b) { return reach(a) > reach(b); });
  for (ReadPlan& read : reads_) {
    read.tile_grains = read.tile / grain_;
    read.length_grains = read.length / grain_;
  }
  section_ = layout->AddSection(name_, 2, max_items_);
}

// Number of the item's entry, -1 when it has none; recent ones are looked at first.
int ItemTable::Find(const RowRef& row, int64_t item) const {
  const RowRef::Pieces pieces = row.pieces(section_);
  for (int i = pieces.newer_count; i-- > 0;) {
    if (pieces.newer[2 * i] == item) return pieces.older_count + i;
  }
  for (int i = pieces.older_count; i-- > 0;) {
    if (pieces.older[2 * i] == item) return i;
  }
  return -1;
}

void ItemTable::Add(const Record& record, RowRef* row) const {
  if ((filter_ >= 0 && record.slots()[filter_] == 0) || record.is_null(slot_)) return;
  const int64_t item = record.slots()[slot_];
  const int64_t tile = FloorDiv(record.time, grain_);
  int at = row->count(section_);
  int found = Find(*row, item);
  if (found >= 0) {
    if (tile < row->entry(section_, found)[1]) return;
    for (; found + 1 < at && row->entry(section_, found + 1)[1] <= tile; ++found) {
      std::copy_n(row->entry(section_, found + 1), 2, row->entry(section_, found));
    }
    int64_t* entry = row->entry(section_, found);
    entry[0] = item;
    entry[1] = tile;
    return;
  }
  if (at == max_items_) {
    if (tile < row->entry(section_, 0)[1]) return;
    row->PopFront(section_);
    --at;
  }
  while (at > 0 && row->entry(section_, at - 1)[1] > tile) --at;
  int64_t* entry = at == row->count(section_) ? row->PushBack(section_) : row->Insert(section_, at);
  entry[0] = item;
  entry[1] = tile;
}

void ItemTable::Read(RowRef* row, TimeMs now, double* registers) const {
  // Windows from the longest to the shortest; the tables end with the newest, so that short windows look at few
  // entries.
  const auto edge = [&](const ReadPlan& read) {
    if (read.length == 0) return INT64_MIN;
    return FloorDiv(now, read.tile) * read.tile_grains - read.length_grains;
  };
  const int64_t oldest = edge(reads_.front());
  while (row->count(section_) > 0 && row->entry(section_, 0, 2)[1] < oldest) row->PopFront(section_);
  const int count = row->count(section_);
  const RowRef::Pieces pieces = row->pieces(section_);
  int inside = 0;  // entries that the window covers, counted from the newest; windows get longer
  for (size_t i = reads_.size(); i-- > 0;) {
    const ReadPlan& read = reads_[i];
    const int64_t first = i == 0 ? oldest : edge(read);
    if (first == oldest) inside = count;
    while (inside < pieces.newer_count && pieces.newer[2 * (pieces.newer_count - inside) - 1] >= first) ++inside;
    if (inside >= pieces.newer_count) {
      while (inside < count && pieces.older[2 * (count - inside) - 1] >= first) ++inside;
    }
    registers[read.target] = std::min(read.max_items, inside);
  }
}

void ItemTable::Prefetch(const RowRef& row) const {
  int count = row.count(section_);
  if (count == 0) return;
  __builtin_prefetch(row.entry(section_, count - 1, 2));
  __builtin_prefetch(row.entry(section_, count / 2, 2));
  __builtin_prefetch(row.entry(section_, 0, 2));
}

}  // namespace ebb
