// Each aggregate by hand: empty, one event, several, late ones, two stretches joined; and the law that joining is the
// same as lifting all events into one stretch.
#include "operators/aggregate/aggregate.h"

#include <cmath>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

constexpr TimeMs kT = 1'700'000'000'000;

struct Event {
  TimeMs time;
  int64_t value;
};

struct Cells {
  int64_t words[Aggregate::kMaxWords] = {};
};

void Lift(const Aggregate& a, const std::vector<Event>& events, Cells* cells) {
  for (const Event& e : events) a.lift(cells->words, e.value, e.time, kHour);
}

void Join(const Aggregate& a, const Cells& from, Cells* into) {
  if (a.combine != nullptr) {
    a.combine(into->words, from.words);
  } else {
    for (int w = 0; w < a.words; ++w) into->words[w] += from.words[w];
  }
}

std::optional<double> Lower(const Aggregate& a, const Cells& cells, double unit) {
  const double value = a.Lower(cells.words, unit);
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

TEST(AggregateTest, TheTableIsConsistent) {
  std::set<std::string_view> names;
  for (const Aggregate* a : Aggregates()) {
    SCOPED_TRACE(std::string(a->name));
    EXPECT_TRUE(names.insert(a->name).second);
    EXPECT_EQ(FindAggregate(a->name), a);
    EXPECT_LE(a->words, Aggregate::kMaxWords);
    const bool tiles = a->shape == AggregateShape::kTiles, point = a->shape == AggregateShape::kPoint;
    if (a->lower == nullptr && tiles) {
      EXPECT_EQ(a->words, 1);
    }
    EXPECT_TRUE(tiles || a->lower == nullptr);
    EXPECT_EQ(a->lift != nullptr, tiles || point);
    EXPECT_EQ(a->combine != nullptr, tiles && !a->additive);
    EXPECT_EQ(a->read != nullptr, point);
    EXPECT_EQ(a->of_items != nullptr, a->shape == AggregateShape::kTally);
    EXPECT_EQ(a->of_events != nullptr, a->shape == AggregateShape::kEvents);
    EXPECT_EQ(a->of_periods != nullptr, a->shape == AggregateShape::kPeriods);
    EXPECT_EQ(a->of_sessions != nullptr, a->shape == AggregateShape::kSessions);
    EXPECT_EQ(a->windowed(), !point);
    EXPECT_FALSE(a->error.empty());
  }
  EXPECT_EQ(names.size(), 30u);
  EXPECT_TRUE(names.contains("interarrival_mean"));
  EXPECT_EQ(FindAggregate("median"), nullptr);
  EXPECT_EQ(FindAggregate(""), nullptr);
}

TEST(AggregateTest, ValuesOfTiles) {
  struct Case {
    const char* name;
    std::vector<Event> events;
    std::optional<double> value;  // with two decimals
  };
  const std::vector<Event> none;
  const std::vector<Event> some = {{kT, 300}, {kT + 10, -150}, {kT + 30, 50}, {kT + 5, 1000}};  // the last one is late
  for (const Case& c : std::initializer_list<Case>{
           {"count", none, 0},
           {"count", some, 4},
           {"sum", none, 0},
           {"sum", some, 12},
           {"mean", none, {}},
           {"mean", some, 3},
           {"mean", {{kT, 0}}, 0},
           {"stddev", none, {}},
           {"stddev", {{kT, 300}}, {}},
           {"stddev", {{kT, 300}, {kT, 300}}, 0},
           {"stddev",
            {{kT, 200}, {kT, 400}, {kT, 400}, {kT, 400}, {kT, 500}, {kT, 500}, {kT, 700}, {kT, 900}},
            std::sqrt(32.0 * 8 * 100 * 100 / (8 * 7)) / 100},
           {"stddev", {{kT, -4'000'000'000'000'000}, {kT, 4'000'000'000'000'000}}, std::sqrt(3.2e31) / 100},
           {"stddev", {{kT, 1'000'000'000'000'000}, {kT, 1'000'000'000'000'002}}, std::sqrt(2) / 100},
           {"share", none, {}},
           {"share", {{kT, 1}, {kT, 0}, {kT, 0}, {kT, 1}}, 0.5},
           {"ratio", none, {}},
           {"ratio", {{kT, 1}}, {}},
           {"ratio", {{kT, 1}, {kT, 2}, {kT, 3}, {kT, 0}}, 1},
           {"min", none, {}},
           {"min", some, -1.5},
           {"min", {{kT, 5}}, 0.05},
           {"min", {{kT, 0}}, 0},
           {"max", none, {}},
           {"max", some, 10},
           {"max", {{kT, -5}}, -0.05},
           {"max", {{kT, 0}}, 0},
           {"first", none, {}},
           {"first", some, 3},
           {"first", {{kT, 1}, {kT - 1, 2}, {kT - 1, 3}}, 0.02},
           {"last", none, {}},
           {"last", some, 0.5},
           {"last", {{kT, 1}, {kT, 2}, {kT - 1, 3}}, 0.02},
           {"interarrival_mean", none, {}},
           {"interarrival_mean", {{kT, 1}}, {}},
           {"interarrival_mean", some, 10},
           {"interarrival_mean", {{kT, 1}, {kT, 1}}, 0},
           {"interarrival_mean", {{kT, 1}, {kT - 7, 1}}, 7},
       }) {
    const Aggregate& a = *FindAggregate(c.name);
    Cells cells;
    Lift(a, c.events, &cells);
    EXPECT_EQ(Lower(a, cells, 100), c.value) << c.name << " of " << c.events.size();
    Cells joined;
    Join(a, cells, &joined);
    Join(a, Cells(), &joined);
    EXPECT_EQ(Lower(a, joined, 100), c.value) << c.name << " joined with nothing";
  }
}

// Stretches have no time in common, as tiles have none.
TEST(AggregateTest, JoiningStretchesInAnyOrderEqualsOneStretch) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    std::vector<Event> stretches[3], all;
    for (int s = 0; s < 3; ++s) {
      for (uint64_t n = random.Below(6); n > 0; --n) {
        stretches[s].push_back({kT + s * 100 + random.Between(0, 20), random.Between(-5, 5)});
        all.push_back(stretches[s].back());
      }
    }
    for (const Aggregate* a : Aggregates()) {
      if (a->shape != AggregateShape::kTiles) continue;
      Cells whole, joined;
      Lift(*a, all, &whole);
      const size_t start = random.Below(3);
      for (size_t i = 0; i < 3; ++i) {
        Cells part;
        Lift(*a, stretches[(start + i) % 3], &part);
        Join(*a, part, &joined);
      }
      ASSERT_EQ(Lower(*a, whole, 10), Lower(*a, joined, 10)) << a->name << " seed " << seed;
    }
  }
}

TEST(AggregateTest, RecencyCountsFromTheNewestEvent) {
  Cells cells;
  EXPECT_TRUE(std::isnan(kRecencyAggregate.read(cells.words, kT, 1, 0)));
  Lift(kRecencyAggregate, {{kT, 0}, {kT - 50, 0}}, &cells);
  EXPECT_EQ(kRecencyAggregate.read(cells.words, kT, 1, 0), 0);
  EXPECT_EQ(kRecencyAggregate.read(cells.words, kT + 86'400'000, 1, 0), 86'400'000);
}

TEST(AggregateTest, DecayedSumHalves) {
  const auto read = [](const std::vector<Event>& events, TimeMs now) {
    Cells cells;
    Lift(kDecayedSumAggregate, events, &cells);
    return kDecayedSumAggregate.read(cells.words, now, 10, kHour);
  };
  EXPECT_TRUE(std::isnan(read({}, kT)));
  EXPECT_EQ(read({{kT, 80}}, kT), 8);
  EXPECT_EQ(read({{kT, 80}}, kT + kHour), 4);
  EXPECT_EQ(read({{kT, 80}, {kT + kHour, 80}}, kT + kHour), 12);
  EXPECT_EQ(read({{kT, 80}, {kT + kHour, 80}}, kT + 3 * kHour), 3);
  EXPECT_EQ(read({{kT + kHour, 80}, {kT, 80}}, kT + kHour), 12) << "late";
  EXPECT_EQ(read({{kT, 80}}, kT + 5000 * kHour), 0) << "never an infinity";
  EXPECT_EQ(read({{kT, 80}, {kT, -80}}, kT), 0) << "zero after events isn't null";
}

}  // namespace
}  // namespace ebb
