// Aggregates as algebra. One that works on windows says how one event becomes cells (lift), how the cells of two
// stretches of time join (combine) and what value they stand for (lower); the windows do the rest. One file per
// aggregate, one line in the table of aggregate.cc: CONTRIBUTING.md shows how to add one.
//
// A new stretch of time has all cells zero. `value` is the field's slot: an integer, for decimals times 10^digits;
// `unit` is that power of ten, so that lower() divides once. Additive cells join by addition and leave by subtraction,
// exactly.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/stream/time.h"

namespace ebb {

enum class AggregateShape : uint8_t {
  kTiles,  // cells per stretch of time: lift, combine, lower
  kItems,  // a table of items and when each was last seen (operators/window/items.h)
  kPoint,  // a few cells per customer without a window: lift, read
};

// Immutable after construction.
struct Aggregate {
  static constexpr int kMaxWords = 4;

  std::string_view name;
  AggregateShape shape = AggregateShape::kTiles;
  bool needs_field = true;
  bool allows_text = false;  // also of text and bool fields
  bool exact_ok = true;      // may be used with `exact: true`
  bool is_duration = false;  // the value is milliseconds
  bool takes_half_life = false;
  bool additive = false;  // kTiles
  int words = 1;          // cells, at most kMaxWords

  // Adds one event to cells. `half_life` is 0 unless takes_half_life.
  void (*lift)(int64_t* cells, int64_t value, TimeMs time, DurationMs half_life) = nullptr;
  // Joins the cells of another stretch of time; null when additive.
  void (*combine)(int64_t* into, const int64_t* other) = nullptr;
  // kTiles: the value, NaN when there is none; null when it is the first cell divided by the unit.
  double (*lower)(const int64_t* cells, double unit) = nullptr;
  // kPoint: the value at `now`; NaN when there is none.
  double (*read)(const int64_t* cells, TimeMs now, double unit, DurationMs half_life) = nullptr;

  // By what the value is divided: a field's unit; 1 when there is no field.
  double UnitOf(double unit) const { return needs_field ? unit : 1; }
  double Lower(const int64_t* cells, double unit) const {
    return lower != nullptr ? lower(cells, unit) : static_cast<double>(cells[0]) / UnitOf(unit);
  }
  bool windowed() const { return shape != AggregateShape::kPoint; }
};

// All aggregates, in the order in which they are shown to people.
std::span<const Aggregate* const> Aggregates();
// Null when there is none of this name.
const Aggregate* FindAggregate(std::string_view name);

extern const Aggregate kCountAggregate, kSumAggregate, kMeanAggregate, kMinAggregate, kMaxAggregate, kFirstAggregate,
    kLastAggregate, kDistinctAggregate, kDecayedSumAggregate, kRecencyAggregate, kInterarrivalMeanAggregate;

}  // namespace ebb
