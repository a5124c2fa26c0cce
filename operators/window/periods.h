// Closed periods behind tumbling and hopping windows: time is cut into periods of equal length, and for each that holds
// an event the row keeps the cells of the aggregates. A window of n periods covers the n newest that have closed; the
// one that has begun isn't part of it. The same cells give aggregates of periods their series (slope, deviation, ...).
//
// Period p covers [p * length + offset, (p + 1) * length + offset). It closes when time reaches its end: records with
// that very effective time come after.
#pragma once

#include <string>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/aggregate/aggregate.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class PeriodRing {
 public:
  static constexpr int kMaxPeriods = 1000;  // of one window
  static constexpr int kMaxWords = 192;     // of all columns together

  PeriodRing(std::string name, DurationMs length, DurationMs offset)
      : name_(std::move(name)), length_(length), offset_(offset) {}

  // Whether a closed window is made of these periods.
  bool Fits(const WindowPlan& window) const { return window.tile == length_ && window.offset == offset_; }
  // Before Declare. An aggregate of periods gets the series of count, or of sum when it has a slot.
  void AddRead(const WindowPlan& window, const MeasurePlan& measure, const Aggregate* aggregate, double unit);
  // False when the columns pass kMaxWords.
  bool Declare(RowLayoutBuilder* layout);

  void Add(const Record& record, RowRef* row, TimeMs now) const;
  // `first_seen` is the time of the customer's first event, 0 when there is none.
  void Read(RowRef* row, TimeMs now, TimeMs first_seen, double* registers) const;

 private:
  struct Column {
    const Aggregate* aggregate;
    int slot;    // -1: none
    int filter;  // -1: none
    int word = 0;
  };
  struct ReadPlan {
    const Aggregate* aggregate;
    int column;
    int periods;
    double unit;
    AggregateOptions options;
    int target;
  };

  int64_t PeriodOf(TimeMs time) const { return FloorDiv(time - offset_, length_); }
  int ColumnOf(const Aggregate* aggregate, int slot, int filter);
  bool Skips(const Column& column, const Record& record) const;
  void Expire(RowRef* row, int64_t current) const;
  double ReadCells(const ReadPlan& read, const RowRef& row, int64_t current) const;
  double ReadSeries(const ReadPlan& read, const RowRef& row, int64_t current, TimeMs first_seen) const;

  std::string name_;
  DurationMs length_;
  DurationMs offset_;
  int periods_ = 0;  // the most that a window needs
  int words_ = 0;
  std::vector<Column> columns_;
  std::vector<ReadPlan> reads_;
  int section_ = -1;  // entries: number of the period, then the words of the columns; ascending
};

}  // namespace ebb
