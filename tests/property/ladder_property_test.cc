// The features of a row against brute force: random pipelines and random events, every feature computed again at every
// read from all events so far. A failure names its seed; EBB_SEED=n runs that one alone.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/base/math.h"
#include "engine/base/random.h"
#include "operators/feature/feature_set.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

constexpr TimeMs kStart = 1'700'000'123'456;
constexpr int kSources = 2;
constexpr int kFilterSlot = 2;  // slots: a number, a decimal with two digits, a bool
constexpr uint64_t kSeeds = 1000;

struct Event {
  TimeMs time;
  int source;
  std::vector<std::optional<int64_t>> slots;
};

// One whose value is computed anew below; windows_property_test.cc has the others.
const Aggregate* RandomAggregate(Random* random) {
  while (true) {
    const Aggregate* a = Aggregates()[random->Below(Aggregates().size())];
    const bool here =
        a->shape == AggregateShape::kTiles || a->shape == AggregateShape::kItems || a->shape == AggregateShape::kPoint;
    if (here && !a->takes(kTakesPart)) return a;
  }
}

// A random pipeline of measures only. Its windows are short and long, nested and not, with tiles that may not divide.
Plan RandomPlan(Random* random) {
  static constexpr DurationMs kLengths[] = {10 * kMinute, kHour,     3 * kHour, 12 * kHour, kDay,
                                            kDay + kHour, 2 * kDay,  7 * kDay,  8 * kDay,   14 * kDay,
                                            28 * kDay,    30 * kDay, 90 * kDay};
  static constexpr DurationMs kTiles[] = {5 * kMinute, 15 * kMinute, kHour,    90 * kMinute, 6 * kHour,
                                          8 * kHour,   kDay,         2 * kDay, 7 * kDay};
  Plan plan;
  for (int s = 0; s < kSources; ++s) plan.sources.push_back(fmt::format("source{}", s));
  for (uint64_t n = 1 + random->Below(5); n > 0; --n) {
    WindowPlan window{fmt::format("w{}", n), kLengths[random->Below(std::size(kLengths))], 0};
    do {
      window.tile = kTiles[random->Below(std::size(kTiles))];
    } while (window.length % window.tile != 0 || window.length / window.tile > 800);
    if (random->Chance(0.2)) window.length = window.tile = 0;
    plan.windows.push_back(window);
  }
  int registers = 0;
  for (uint64_t n = 1 + random->Below(16); n > 0; --n) {
    const Aggregate* aggregate = RandomAggregate(random);
    MeasurePlan measure;
    measure.aggregate = aggregate->name;
    measure.source = static_cast<int>(random->Below(kSources));
    if (aggregate->needs_field || random->Chance(0.3)) measure.slot = static_cast<int>(random->Below(2));
    measure.decimals = measure.slot == 1 ? 2 : 0;
    if (random->Chance(0.3)) measure.filter = kFilterSlot;
    if (aggregate->windowed()) measure.window = static_cast<int>(random->Below(plan.windows.size()));
    measure.exact = aggregate->windowed() && plan.windows[measure.window].length > 0 && random->Chance(0.25);
    measure.max_events = 5 + static_cast<int>(random->Below(40));
    measure.max_items = 1 + static_cast<int>(random->Below(12));
    if (aggregate->takes(kTakesHalfLife)) measure.half_life = random->Between(kHour, 10 * kDay);
    measure.target = registers++;
    plan.measures.push_back(measure);
  }
  plan.builtins.tenure = registers++;
  for (size_t w = 0; w < plan.windows.size(); ++w) {
    plan.builtins.window_days.push_back(random->Chance(0.5) ? registers++ : -1);
  }
  plan.program.initial.assign(registers, kNull);
  return plan;
}

// What the engine should say, from the definition and all events so far in the order in which they were processed.
class BruteForce {
 public:
  explicit BruteForce(const Plan& plan) : plan_(plan) {}

  void Add(const Event& event) { events_.push_back(event); }

  std::vector<double> Read(TimeMs now) const {
    std::vector<double> registers(plan_.program.initial.size(), kNull);
    for (const MeasurePlan& measure : plan_.measures) registers[measure.target] = Value(measure, now);
    TimeMs first = kAfterTime;
    for (const Event& event : events_) first = std::min(first, event.time);
    registers[plan_.builtins.tenure] = static_cast<double>(now - first);
    for (size_t w = 0; w < plan_.windows.size(); ++w) {
      const int target = plan_.builtins.window_days[w];
      if (target < 0) continue;
      const TimeMs start = plan_.windows[w].length == 0 ? first : Edge(plan_.windows[w], now);
      registers[target] = static_cast<double>(now - start) / static_cast<double>(kDay);
    }
    return registers;
  }

  // Whether any exact window lacks events.
  bool Overflowed(TimeMs now) const {
    return std::any_of(plan_.measures.begin(), plan_.measures.end(), [&](const MeasurePlan& m) {
      return m.exact && static_cast<int>(InTail(m, now).size()) > Limit(m);
    });
  }

 private:
  // The last multiple of the tile at or before now - length.
  static TimeMs Edge(const WindowPlan& window, TimeMs now) {
    const TimeMs at = now - window.length;
    return at - at % window.tile;
  }

  bool Counts(const MeasurePlan& measure, const Event& event) const {
    return event.source == measure.source && (measure.filter < 0 || event.slots[measure.filter].value_or(0) != 0);
  }

  // Exact measures of one source and filter share a tail: its reach and its limit are the largest of theirs.
  bool ShareTail(const MeasurePlan& a, const MeasurePlan& b) const {
    return a.exact && b.exact && a.source == b.source && a.filter == b.filter;
  }
  int Limit(const MeasurePlan& measure) const {
    int limit = 0;
    for (const MeasurePlan& other : plan_.measures) {
      if (ShareTail(measure, other)) limit = std::max(limit, other.max_events);
    }
    return limit;
  }
  // By time, then in the order of processing.
  std::vector<Event> InTail(const MeasurePlan& measure, TimeMs now) const {
    DurationMs longest = 0;
    for (const MeasurePlan& other : plan_.measures) {
      if (ShareTail(measure, other)) longest = std::max(longest, plan_.windows[other.window].length);
    }
    return Since(measure, now - longest + 1);
  }
  std::vector<Event> Since(const MeasurePlan& measure, TimeMs start) const {
    std::vector<Event> chosen;
    for (const Event& event : events_) {
      if (Counts(measure, event) && event.time >= start) chosen.push_back(event);
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
    return chosen;
  }

  std::vector<Event> Covered(const MeasurePlan& measure, TimeMs now) const {
    if (measure.window < 0) return Since(measure, kBeforeTime);
    const WindowPlan& window = plan_.windows[measure.window];
    if (!measure.exact) return Since(measure, window.length == 0 ? kBeforeTime : Edge(window, now));
    std::vector<Event> kept = InTail(measure, now);
    const auto limit = static_cast<size_t>(Limit(measure));
    if (kept.size() > limit) kept.erase(kept.begin(), kept.end() - static_cast<ptrdiff_t>(limit));
    std::erase_if(kept, [&](const Event& e) { return e.time <= now - window.length; });
    return kept;
  }

  double Value(const MeasurePlan& measure, TimeMs now) const {
    std::vector<Event> events = Covered(measure, now);
    if (measure.slot >= 0) std::erase_if(events, [&](const Event& e) { return !e.slots[measure.slot]; });
    const std::string& name = measure.aggregate;
    const auto count = static_cast<double>(events.size());
    if (name == "count") return count;
    if (name == "decayed_sum") return DecayedSum(measure, now);
    if (name == "interarrival_mean") {
      return events.size() < 2 ? kNull : static_cast<double>(events.back().time - events.front().time) / (count - 1);
    }
    if (name == "recency") return events.empty() ? kNull : static_cast<double>(now - events.back().time);
    const double unit = measure.decimals == 2 ? 100 : 1;
    int64_t sum = 0;
    std::vector<int64_t> values;
    for (const Event& event : events) {
      values.push_back(*event.slots[measure.slot]);
      sum += values.back();
    }
    if (name == "distinct") {
      return std::min<double>(measure.max_items, std::set<int64_t>(values.begin(), values.end()).size());
    }
    if (name == "sum") return static_cast<double>(sum) / unit;
    if (values.empty()) return kNull;
    if (name == "mean") return static_cast<double>(sum) / unit / count;
    if (name == "stddev") return Spread(values, sum) / unit;
    if (name == "first") return static_cast<double>(values.front()) / unit;
    if (name == "last") return static_cast<double>(values.back()) / unit;
    if (name == "min") return static_cast<double>(*std::min_element(values.begin(), values.end())) / unit;
    EXPECT_EQ(name, "max");
    return static_cast<double>(*std::max_element(values.begin(), values.end())) / unit;
  }

  static double Spread(const std::vector<int64_t>& values, int64_t sum) {
    const auto n = static_cast<int64_t>(values.size());
    if (n < 2) return kNull;
    int64_t squares = 0;
    for (int64_t v : values) squares += v * v;
    return std::sqrt(static_cast<double>(n * squares - sum * sum) / static_cast<double>(n * (n - 1)));
  }

  double DecayedSum(const MeasurePlan& measure, TimeMs now) const {
    double sum = 0;
    bool any = false;
    for (const Event& event : events_) {
      if (!Counts(measure, event) || !event.slots[measure.slot]) continue;
      any = true;
      sum += static_cast<double>(*event.slots[measure.slot]) *
             std::exp2(-static_cast<double>(now - event.time) / static_cast<double>(measure.half_life));
    }
    return any ? sum / (measure.decimals == 2 ? 100 : 1) : kNull;
  }

  const Plan& plan_;
  std::vector<Event> events_;
};

// A step of time: mostly short, sometimes to an edge, sometimes months.
TimeMs Later(TimeMs now, Random* random) {
  switch (random->Below(10)) {
    case 0:
      return now;
    case 1:
      return now + random->Between(1, 3);
    case 2:
      return now - now % kHour + kHour - static_cast<TimeMs>(random->Below(2));
    case 3:
      return now - now % kDay + kDay;
    case 4:
      return now + random->Between(kDay, 10 * kDay);
    case 5:
      return random->Chance(0.1) ? now + random->Between(60 * kDay, 200 * kDay) : now + kMinute;
    default:
      return now + random->Between(kSecond, 5 * kHour);
  }
}

Event RandomEvent(TimeMs now, Random* random) {
  Event event;
  event.time = now;
  if (random->Chance(0.2)) event.time -= random->Between(0, random->Chance(0.5) ? 3 * kHour : 100 * kDay);
  event.source = static_cast<int>(random->Below(kSources));
  event.slots = {random->Between(-10, 10), random->Between(-100000, 100000), random->Below(2)};
  for (int s = 0; s < 2; ++s) {
    if (random->Chance(0.1)) event.slots[s].reset();
  }
  return event;
}

std::string Describe(const Plan& plan, size_t reg) {
  for (const MeasurePlan& m : plan.measures) {
    if (m.target != static_cast<int>(reg)) continue;
    const WindowPlan window = m.window < 0 ? WindowPlan() : plan.windows[m.window];
    return fmt::format("{} of slot {} from {} where {} over {} by {}{}", m.aggregate, m.slot, m.source, m.filter,
                       FormatDuration(window.length), FormatDuration(window.tile), m.exact ? " exactly" : "");
  }
  return "a builtin";
}

void Compare(const Plan& plan, const std::vector<double>& got, const std::vector<double>& expected) {
  for (size_t reg = 0; reg < got.size(); ++reg) {
    const bool same = IsNull(expected[reg]) ? IsNull(got[reg]) : got[reg] == expected[reg];
    const bool close = std::fabs(got[reg] - expected[reg]) <= 1e-9 * (1e6 + std::fabs(expected[reg]));
    const bool decayed = Describe(plan, reg).starts_with("decayed_sum");
    ASSERT_TRUE(same || (decayed && close))
        << Describe(plan, reg) << ": " << got[reg] << ", expected " << expected[reg];
  }
}

// False when the pipeline is too large for a row.
bool RunSeed(uint64_t seed) {
  Random random(seed);
  const Plan plan = RandomPlan(&random);
  RowLayoutBuilder builder;
  auto features = FeatureSet::Build(plan, &builder);
  if (!features.ok()) {
    EXPECT_EQ(features.status().code(), absl::StatusCode::kInvalidArgument);
    return false;
  }
  RowTable table(builder.Build());
  RowRef row = table.FindOrCreate(1, "c");
  BruteForce brute(plan);
  TimeMs now = kStart;
  const uint64_t steps = 40 + random.Below(80);
  for (uint64_t step = 0; step < steps; ++step) {
    now = Later(now, &random);
    for (uint64_t n = random.Below(4) + (step == 0); n > 0; --n) {
      const Event event = RandomEvent(now, &random);
      MadeRecord record("c", event.time, event.slots);
      record->source = static_cast<uint16_t>(event.source);
      record->effective = now;
      features.value()->Update(*record, &row, now);
      brute.Add(event);
    }
    if (random.Chance(0.3)) now = Later(now, &random);
    if (random.Chance(0.2)) continue;
    std::vector<double> registers = plan.program.initial;
    features.value()->Read(&row, now, registers.data());
    Compare(plan, registers, brute.Read(now));
    EXPECT_EQ(features.value()->Overflowed(row, now), brute.Overflowed(now));
    if (::testing::Test::HasFailure()) return true;
  }
  return true;
}

TEST(LadderPropertyTest, FeaturesEqualBruteForce) {
  const char* only = std::getenv("EBB_SEED");
  uint64_t ran = 0, seed = only == nullptr ? 0 : std::strtoull(only, nullptr, 10);
  for (; ran < (only == nullptr ? kSeeds : 1) && seed < 100'000; ++seed) {
    ran += RunSeed(seed);
    ASSERT_FALSE(HasFailure()) << "EBB_SEED=" << seed;
  }
}

}  // namespace
}  // namespace ebb
