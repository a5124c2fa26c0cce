// Periods are kept oldest first; only those that hold an event exist.
#include "operators/window/periods.h"

#include <algorithm>

namespace ebb {

int PeriodRing::ColumnOf(const Aggregate* aggregate, int slot, int filter) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    if (column.aggregate == aggregate && column.slot == slot && column.filter == filter) return static_cast<int>(c);
  }
  columns_.push_back({aggregate, slot, filter, words_});
  words_ += aggregate->words;
  return static_cast<int>(columns_.size()) - 1;
}

void PeriodRing::AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate,
                         double unit) {
  const Aggregate* kept = aggregate;
  if (aggregate->shape == AggregateShape::kPeriods) kept = measure.slot < 0 ? &kCountAggregate : &kSumAggregate;
  const int periods = static_cast<int>(window.length / window.tile);
  reads_.push_back({aggregate, ColumnOf(kept, measure.slot, measure.filter), periods, measure.slot < 0 ? 1.0 : unit,
                    measure.options, measure.target});
  periods_ = std::max(periods_, periods);
}

bool PeriodRing::Declare(RowLayoutBuilder* layout) {
  if (words_ > kMaxWords) return false;
  section_ = layout->AddSection(name_, 1 + words_, periods_ + 1);
  return true;
}

bool PeriodRing::Skips(const Column& column, const Record& record) const {
  return (column.filter >= 0 && record.slots()[column.filter] == 0) ||
         (column.slot >= 0 && record.is_null(column.slot));
}

// `current` is the period that has begun.
void PeriodRing::Expire(RowRef* row, int64_t current) const {
  while (row->count(section_) > 0 && row->entry(section_, 0)[0] < current - periods_) row->PopFront(section_);
}

void PeriodRing::Add(const Record& record, RowRef* row, TimeMs now) const {
  const int64_t current = PeriodOf(now), period = PeriodOf(record.time);
  if (period < current - periods_) return;
  if (std::all_of(columns_.begin(), columns_.end(), [&](const Column& c) { return Skips(c, record); })) return;
  Expire(row, current);
  int at = row->count(section_);
  while (at > 0 && row->entry(section_, at - 1)[0] > period) --at;
  int64_t* entry = at > 0 && row->entry(section_, at - 1)[0] == period ? row->entry(section_, at - 1)
                   : at == row->count(section_)                        ? row->PushBack(section_)
                                                                       : row->Insert(section_, at);
  entry[0] = period;
  for (const Column& column : columns_) {
    if (Skips(column, record)) continue;
    column.aggregate->lift(entry + 1 + column.word, column.slot < 0 ? 0 : record.slots()[column.slot], record.time, 0);
  }
}

void PeriodRing::Read(RowRef* row, TimeMs now, TimeMs first_seen, double* registers) const {
  const int64_t current = PeriodOf(now);
  Expire(row, current);
  for (const ReadPlan& read : reads_) {
    registers[read.target] = read.aggregate->shape == AggregateShape::kPeriods
                                 ? ReadSeries(read, *row, current, first_seen)
                                 : ReadCells(read, *row, current);
  }
}

double PeriodRing::ReadCells(const ReadPlan& read, const RowRef& row, int64_t current) const {
  int64_t cells[Aggregate::kMaxWords] = {};
  for (int i = 0; i < row.count(section_); ++i) {
    const int64_t* entry = row.entry(section_, i);
    if (entry[0] < current - read.periods || entry[0] >= current) continue;
    const int64_t* words = entry + 1 + columns_[read.column].word;
    if (read.aggregate->combine != nullptr) {
      read.aggregate->combine(cells, words);
    } else {
      for (int w = 0; w < read.aggregate->words; ++w) cells[w] += words[w];
    }
  }
  return read.aggregate->Lower(cells, read.unit);
}

double PeriodRing::ReadSeries(const ReadPlan& read, const RowRef& row, int64_t current, TimeMs first_seen) const {
  int64_t closed[kMaxPeriods] = {};
  int64_t open = 0;
  int64_t oldest = current - read.periods;
  oldest = first_seen == 0 ? current : std::min(std::max(oldest, PeriodOf(first_seen)), current);
  for (int i = 0; i < row.count(section_); ++i) {
    const int64_t* entry = row.entry(section_, i);
    const int64_t total = entry[1 + columns_[read.column].word];
    if (entry[0] == current) open = total;
    if (entry[0] >= oldest && entry[0] < current) closed[entry[0] - oldest] = total;
  }
  const std::span<const int64_t> series(closed, static_cast<size_t>(current - oldest));
  return read.aggregate->of_periods({series, open}, read.options, read.unit);
}

}  // namespace ebb
