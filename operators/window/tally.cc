// Entries sorted by (tile, item); a read adds up the items of the tiles that its window covers.
#include "operators/window/tally.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "operators/window/nesting.h"

namespace ebb {

bool Tally::Fits(const WindowPlan& window) const {
  return std::all_of(reads_.begin(), reads_.end(), [&](const ReadPlan& read) {
    if (read.length == 0 || window.length == 0) return read.length == window.length;
    return Nest({"", read.length, read.tile}, window);
  });
}

void Tally::AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate, double unit) {
  reads_.push_back({aggregate, window.length, window.tile, unit, measure.options, measure.target});
  max_items_ = std::max(max_items_, measure.max_items);
  if (window.length != 0) grain_ = grain_ == 0 ? window.tile : std::min(grain_, window.tile);
}

void Tally::Declare(RowLayoutBuilder* layout) {
  section_ = layout->AddSection(name_, 3, max_items_);
  overflow_ = layout->AddCells(name_ + ".overflow", 1);
}

int64_t Tally::FirstTile(DurationMs length, DurationMs tile, TimeMs now) const {
  return FloorDiv(now, tile) * (tile / grain_) - length / grain_;
}

int64_t Tally::OldestTile(TimeMs now) const {
  if (grain_ == 0) return 0;
  int64_t oldest = INT64_MAX;
  for (const ReadPlan& read : reads_) oldest = std::min(oldest, FirstTile(read.length, read.tile, now));
  return oldest;
}

void Tally::Expire(RowRef* row, TimeMs now) const {
  const int64_t oldest = OldestTile(now);
  while (row->count(section_) > 0 && row->entry(section_, 0)[0] < oldest) row->PopFront(section_);
}

int Tally::Find(const RowRef& row, int64_t tile, int64_t item) const {
  int low = 0, high = row.count(section_);
  while (low < high) {
    const int middle = (low + high) / 2;
    const int64_t* entry = row.entry(section_, middle);
    if (entry[0] < tile || (entry[0] == tile && entry[1] < item)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void Tally::Add(const Record& record, RowRef* row, TimeMs now) const {
  if ((filter_ >= 0 && record.slots()[filter_] == 0) || record.is_null(slot_)) return;
  Expire(row, now);
  const int64_t value = record.slots()[slot_];
  const int64_t item = item_of_ == nullptr ? value : item_of_(value);
  const int64_t tile = grain_ == 0 ? 0 : FloorDiv(record.time, grain_);
  if (tile < OldestTile(now)) return;
  int at = Find(*row, tile, item);
  const int count = row->count(section_);
  if (at < count && row->entry(section_, at)[0] == tile && row->entry(section_, at)[1] == item) {
    ++row->entry(section_, at)[2];
    return;
  }
  if (count == max_items_) {
    const int64_t lost = at == 0 ? tile : row->entry(section_, 0)[0];
    row->cells()[overflow_] = std::max(row->cells()[overflow_], lost + 1);
    if (at == 0) return;
    row->PopFront(section_);
    --at;
  }
  int64_t* entry = at == row->count(section_) ? row->PushBack(section_) : row->Insert(section_, at);
  entry[0] = tile;
  entry[1] = item;
  entry[2] = 1;
}

void Tally::Read(RowRef* row, TimeMs now, double* registers) const {
  Expire(row, now);
  for (const ReadPlan& read : reads_) registers[read.target] = ReadOne(read, *row, now);
}

double Tally::ReadOne(const ReadPlan& read, const RowRef& row, TimeMs now) const {
  const int first = read.length == 0 ? 0 : Find(row, FirstTile(read.length, read.tile, now), INT64_MIN);
  absl::InlinedVector<ItemCount, 64> items;
  for (int i = first; i < row.count(section_); ++i) {
    const int64_t* entry = row.entry(section_, i);
    items.push_back({entry[1], entry[2]});
  }
  std::sort(items.begin(), items.end(), [](const ItemCount& a, const ItemCount& b) { return a.item < b.item; });
  size_t kept = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (kept > 0 && items[kept - 1].item == items[i].item) {
      items[kept - 1].count += items[i].count;
    } else {
      items[kept++] = items[i];
    }
  }
  items.resize(kept);
  return read.aggregate->of_items(items, read.options, read.unit);
}

bool Tally::Overflowed(const RowRef& row, TimeMs now) const {
  return row.cells()[overflow_] != 0 && row.cells()[overflow_] > OldestTile(now);
}

}  // namespace ebb
