// Aggregates as algebra. One that works on windows says how one event becomes cells (lift), how the cells of two
// stretches of time join (combine) and what value they stand for (lower); the windows do the rest. Those of another
// shape say what value items, events, closed periods or sessions stand for. One file per aggregate, one line in the
// table of aggregate.cc: CONTRIBUTING.md shows how to add one.
//
// A new stretch of time has all cells zero. `value` is the field's slot: an integer, for decimals times 10^digits;
// `unit` is that power of ten, so that lower() divides once. Additive cells join by addition and leave by subtraction,
// exactly.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

inline constexpr int64_t kQuantileUnit = 1'000'000;  // quantiles are in millionths

enum class AggregateShape : uint8_t {
  kTiles,     // cells per stretch of time: lift, combine, lower
  kItems,     // a table of items and when each was last seen (operators/window/items.h)
  kPoint,     // a few cells per customer without a window: lift, read
  kTally,     // how often each item came, tile by tile (operators/window/tally.h): item, of_items
  kEvents,    // the events themselves (operators/window/tail.h): of_events
  kPeriods,   // counts or totals of whole periods (operators/window/periods.h): of_periods
  kSessions,  // events with short gaps between them (operators/window/sessions.h): of_sessions
};

// What an aggregate takes beside its field and window: bits of Aggregate::options.
enum AggregateOption : uint32_t {
  kTakesHalfLife = 1,
  kTakesQuantile = 2,
  kTakesRank = 4,
  kTakesPart = 8,         // a condition on records: its slot is what is lifted
  kTakesComparison = 16,  // and a second one: bit 0 of what is lifted is the first, bit 1 the second
  kTakesGap = 32,
  kTakesAlpha = 64,
  kTakesSpread = 128,  // min_spread
  kTakesLatest = 256,  // robust, latest
  kTakesDrift = 512,   // slack, direction
};

// The options that shape a value; those that shape state stand in MeasurePlan.
struct AggregateOptions {
  int64_t quantile = kQuantileUnit / 2;
  int rank = 1;
  double alpha = 0.3;
  double slack = 0.5;
  double min_spread = 0;       // in units of the field
  bool robust = false;         // median and spread about it
  bool latest_closed = false;  // the newest closed period is compared, not the one that has begun
  bool upward = false;
  bool operator==(const AggregateOptions&) const = default;
};

struct ItemCount {
  int64_t item;
  int64_t count;  // > 0
};

struct TimedValue {
  TimeMs time;
  int64_t value;  // 0 without a field
};

// Closed periods, oldest first, and the one that has begun: totals of a field, or numbers of events. The first closed
// one is that of the customer's first record, or later.
struct PeriodSeries {
  std::span<const int64_t> closed;
  int64_t open;
};

// The sessions of a window, the one that may still go on included.
struct SessionTotals {
  int64_t count = 0;
  int64_t length = 0;  // milliseconds, from the first to the last event
  int64_t events = 0;
  int64_t bounces = 0;    // sessions of one event
  TimeMs closed_end = 0;  // last event of the newest session that can't go on any more; 0: none
};

// Immutable after construction.
struct Aggregate {
  static constexpr int kMaxWords = 8;

  std::string_view name;
  std::string_view meaning;  // of its value, for docs/pipeline.md: Markdown
  AggregateShape shape = AggregateShape::kTiles;
  bool needs_field = true;
  bool allows_field = false;         // kPeriods: may have a field, then totals are compared, else numbers of events
  bool allows_text = false;          // also of text and bool fields
  bool mergeable = true;             // the state of two stretches of time joins into that of both
  bool is_duration = false;          // the value is milliseconds
  uint32_t options = 0;              // bits of AggregateOption
  bool additive = false;             // kTiles
  int words = 1;                     // cells, at most kMaxWords
  std::string_view error = "exact";  // of the value over what the window covers, for people

  // Adds one event to cells. `half_life` is 0 unless kTakesHalfLife.
  void (*lift)(int64_t* cells, int64_t value, TimeMs time, DurationMs half_life) = nullptr;
  // Joins the cells of another stretch of time; null when additive.
  void (*combine)(int64_t* into, const int64_t* other) = nullptr;
  // kTiles: the value, NaN when there is none; null when it is the first cell divided by the unit.
  double (*lower)(const int64_t* cells, double unit) = nullptr;
  // kPoint: the value at `now`; NaN when there is none.
  double (*read)(const int64_t* cells, TimeMs now, double unit, DurationMs half_life) = nullptr;
  // kTally: the item that stands for a value in tiles, one of its own kind; null when each value is an item. Where the
  // events are kept (`exact`, `last`) each value is an item.
  int64_t (*item)(int64_t value) = nullptr;
  // kTally: `items` in ascending order, each once; may be reordered.
  double (*of_items)(std::span<ItemCount> items, const AggregateOptions& options, double unit) = nullptr;
  // kEvents: oldest first.
  double (*of_events)(std::span<const TimedValue> events, double unit) = nullptr;
  double (*of_periods)(const PeriodSeries& series, const AggregateOptions& options, double unit) = nullptr;
  double (*of_sessions)(const SessionTotals& sessions, TimeMs now) = nullptr;

  // By what the value is divided: a field's unit; 1 when there is no field.
  double UnitOf(double unit) const { return needs_field ? unit : 1; }
  double Lower(const int64_t* cells, double unit) const {
    return lower != nullptr ? lower(cells, unit) : static_cast<double>(cells[0]) / UnitOf(unit);
  }
  bool windowed() const { return shape != AggregateShape::kPoint; }
  bool takes(AggregateOption option) const { return (options & option) != 0; }
  // Whether it can be computed from the events themselves: `exact: true`, `last: K`.
  bool over_events() const {
    return shape != AggregateShape::kPoint && shape != AggregateShape::kPeriods && shape != AggregateShape::kSessions;
  }
  // Whether a stretch of time can be taken out of the state again.
  bool subtractable() const { return additive || shape == AggregateShape::kTally || shape == AggregateShape::kPeriods; }
};

// All aggregates, in the order in which they are shown to people.
std::span<const Aggregate* const> Aggregates();
// Null when there is none of this name.
const Aggregate* FindAggregate(std::string_view name);
// The first for which `predicate` holds, or null.
template <typename Predicate>
const Aggregate* FindFirst(const std::vector<const Aggregate*>& aggregates, Predicate predicate) {
  const auto found = std::find_if(aggregates.begin(), aggregates.end(), predicate);
  return found == aggregates.end() ? nullptr : *found;
}

extern const Aggregate kCountAggregate, kSumAggregate, kMeanAggregate, kStddevAggregate, kMinAggregate, kMaxAggregate,
    kFirstAggregate, kLastAggregate, kShareAggregate, kRatioAggregate, kQuantileAggregate, kDistinctAggregate,
    kEntropyAggregate, kTopAggregate, kTopShareAggregate, kDecayedSumAggregate, kRecencyAggregate,
    kInterarrivalMeanAggregate, kInterarrivalCvAggregate, kSessionCountAggregate, kSessionLengthAggregate,
    kSessionDepthAggregate, kSessionRecencyAggregate, kBounceShareAggregate, kSlopeAggregate, kDeviationAggregate,
    kEwmaAggregate, kCusumAggregate, kActiveStreakAggregate, kSilentStreakAggregate;

}  // namespace ebb
