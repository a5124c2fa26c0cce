// Tallies, the newest events, closed periods and sessions against brute force: random features and random events, late
// ones too, with limits so low that things have to go; at every read the content of every window is made again from all
// events so far, in the order in which they were processed. A failure names its seed; EBB_SEED=n runs that one alone.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "operators/feature/feature_set.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

constexpr TimeMs kStart = 1'700'000'123'456;
constexpr int kFilterSlot = 2;  // slots: two numbers and a bool
constexpr uint64_t kSeeds = 1500;

struct Event {
  TimeMs time;
  TimeMs effective;
  std::vector<std::optional<int64_t>> slots;
};

bool Counts(const MeasurePlan& m, const Event& e) { return m.filter < 0 || *e.slots[m.filter] != 0; }

const Aggregate* RandomAggregate(Random* random) {
  while (true) {
    const Aggregate* a = Aggregates()[random->Below(Aggregates().size())];
    if (a->shape != AggregateShape::kPoint) return a;
  }
}

MeasurePlan RandomMeasure(const std::vector<WindowPlan>& windows, Random* random) {
  const Aggregate* aggregate = RandomAggregate(random);
  MeasurePlan m;
  m.aggregate = aggregate->name;
  if (aggregate->needs_field || aggregate->takes(kTakesPart) || (aggregate->allows_field && random->Chance(0.5))) {
    m.slot = static_cast<int>(random->Below(2));
  }
  if (random->Chance(0.3)) m.filter = kFilterSlot;
  m.options.rank = 1 + static_cast<int>(random->Below(2));
  m.options.quantile = random->Between(1, 1'000'000);
  m.options.robust = random->Chance(0.3);
  m.max_items = 1 + static_cast<int>(random->Below(30));
  m.max_sessions = 1 + static_cast<int>(random->Below(10));
  m.gap = random->Chance(0.5) ? 20 * kMinute : 3 * kHour;
  const bool by_count = aggregate->over_events() && random->Chance(0.3);
  if (by_count) m.last = 1 + static_cast<int>(random->Below(12));
  std::vector<int> fitting;
  for (size_t w = 0; w < windows.size(); ++w) {
    const WindowPlan& window = windows[w];
    const bool series = aggregate->shape == AggregateShape::kPeriods;
    const bool fits = series                                       ? window.closed
                      : aggregate->shape == AggregateShape::kTiles ? window.closed
                      : aggregate->shape == AggregateShape::kTally ? !window.closed
                      : aggregate->shape == AggregateShape::kItems ? false
                                                                   : !window.closed && window.length > 0;
    if (fits) fitting.push_back(static_cast<int>(w));
  }
  if (!by_count && fitting.empty()) return RandomMeasure(windows, random);
  if (!by_count) m.window = fitting[random->Below(fitting.size())];
  return m;
}

Plan RandomPlan(Random* random) {
  static constexpr DurationMs kHops[] = {kHour, 6 * kHour, kDay, 7 * kDay};
  static constexpr DurationMs kTiles[] = {15 * kMinute, kHour, 6 * kHour, kDay};
  Plan plan;
  plan.sources.push_back("source");
  for (int n = 0; n < 4; ++n) {
    WindowPlan window{fmt::format("w{}", n)};
    window.closed = n < 2;
    window.tile = window.closed ? kHops[random->Below(4)] : kTiles[random->Below(4)];
    window.length = window.tile * random->Between(1, 12);
    if (window.closed) window.offset = random->Between(0, window.tile - 1);
    if (n == 3) window.length = window.tile = 0;
    plan.windows.push_back(window);
  }
  int registers = 0;
  for (uint64_t n = 1 + random->Below(12); n > 0; --n) {
    plan.measures.push_back(RandomMeasure(plan.windows, random));
    plan.measures.back().target = registers++;
  }
  plan.program.initial.assign(registers, kNull);
  return plan;
}

// Confined to its task's thread.
class BruteForce {
 public:
  explicit BruteForce(const Plan& plan) : plan_(plan) {}

  void Add(const Event& event) { events_.push_back(event); }

  double Value(const MeasurePlan& m, TimeMs now) const {
    const Aggregate& a = *FindAggregate(m.aggregate);
    if (m.last > 0) return OfEvents(a, m, Newest(m));
    const WindowPlan& window = plan_.windows[m.window];
    switch (a.shape) {
      case AggregateShape::kTally:
        return OfItems(a, m, Tallied(m, window, now));
      case AggregateShape::kSessions:
        return a.of_sessions(Sessions(m, window, now), now);
      case AggregateShape::kPeriods:
        return OfPeriods(a, m, window, now);
      case AggregateShape::kEvents:
        return OfEvents(a, m, Between(m, now - window.length + 1, kAfterTime));
      default:
        return OfEvents(a, m, Between(m, Begin(window, now) - window.length, Begin(window, now)));
    }
  }

 private:
  static TimeMs Begin(const WindowPlan& window, TimeMs time) {
    const TimeMs since = (time - window.offset) % window.tile;
    return time - since;
  }

  std::vector<Event> Between(const MeasurePlan& m, TimeMs begin, TimeMs end) const {
    std::vector<Event> chosen;
    for (const Event& e : events_) {
      if (Counts(m, e) && e.time >= begin && e.time < end) chosen.push_back(e);
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const Event& x, const Event& y) { return x.time < y.time; });
    return chosen;
  }

  std::vector<Event> Newest(const MeasurePlan& m) const {
    std::vector<Event> all = Between(m, kBeforeTime, kAfterTime);
    return {all.end() - std::min<ptrdiff_t>(m.last, std::ssize(all)), all.end()};
  }

  static double OfItems(const Aggregate& a, const MeasurePlan& m, const std::map<int64_t, int64_t>& counts) {
    std::vector<ItemCount> items;
    for (auto [item, count] : counts) items.push_back({item, count});
    return a.of_items(items, m.options, 1);
  }

  static double OfEvents(const Aggregate& a, const MeasurePlan& m, std::vector<Event> events) {
    if (m.slot >= 0) std::erase_if(events, [&](const Event& e) { return !e.slots[m.slot]; });
    const auto value = [&](const Event& e) { return m.slot < 0 ? 0 : *e.slots[m.slot]; };
    std::map<int64_t, int64_t> counts;
    std::vector<TimedValue> timed;
    int64_t cells[Aggregate::kMaxWords] = {};
    for (const Event& e : events) {
      ++counts[value(e)];
      timed.push_back({e.time, value(e)});
      if (a.shape == AggregateShape::kTiles) a.lift(cells, value(e), e.time, 0);
    }
    if (a.shape == AggregateShape::kTally) return OfItems(a, m, counts);
    if (a.shape == AggregateShape::kEvents) return a.of_events(timed, 1);
    if (a.shape == AggregateShape::kItems) return static_cast<double>(std::min<size_t>(m.max_items, counts.size()));
    return a.Lower(cells, 1);
  }

  // Those with the same content share a limit, the largest of theirs, and reach as far as the longest window.
  bool Shares(const MeasurePlan& x, const MeasurePlan& y) const {
    const Aggregate &a = *FindAggregate(x.aggregate), &b = *FindAggregate(y.aggregate);
    if (x.last > 0 || y.last > 0 || a.shape != b.shape || x.filter != y.filter) return false;
    if (a.shape == AggregateShape::kSessions) return x.gap == y.gap;
    return x.slot == y.slot && a.item == b.item &&
           (plan_.windows[x.window].length == 0) == (plan_.windows[y.window].length == 0);
  }

  // There is one sawtooth window with an end, so all tiles are its tiles.
  std::map<int64_t, int64_t> Tallied(const MeasurePlan& m, const WindowPlan& window, TimeMs now) const {
    int limit = 0;
    for (const MeasurePlan& other : plan_.measures) {
      if (Shares(m, other)) limit = std::max(limit, other.max_items);
    }
    const Aggregate& a = *FindAggregate(m.aggregate);
    const auto oldest = [&](TimeMs time) { return window.length == 0 ? 0 : Begin(window, time) - window.length; };
    std::map<std::pair<int64_t, int64_t>, int64_t> kept;
    for (const Event& e : events_) {
      if (!Counts(m, e) || !e.slots[m.slot]) continue;
      std::erase_if(kept, [&](const auto& pair) { return pair.first.first < oldest(e.effective); });
      const int64_t tile = window.length == 0 ? 0 : Begin(window, e.time);
      if (tile < oldest(e.effective)) continue;
      ++kept[{tile, a.item == nullptr ? *e.slots[m.slot] : a.item(*e.slots[m.slot])}];
      if (std::ssize(kept) > limit) kept.erase(kept.begin());
    }
    std::map<int64_t, int64_t> counts;
    for (auto [pair, count] : kept) {
      if (pair.first >= oldest(now)) counts[pair.second] += count;
    }
    return counts;
  }

  SessionTotals Sessions(const MeasurePlan& m, const WindowPlan& window, TimeMs now) const {
    int limit = 0;
    DurationMs longest = 0;
    for (const MeasurePlan& other : plan_.measures) {
      if (!Shares(m, other)) continue;
      limit = std::max(limit, other.max_sessions);
      longest = std::max(longest, plan_.windows[other.window].length);
    }
    std::vector<std::multiset<TimeMs>> sessions;
    for (const Event& e : events_) {
      if (!Counts(m, e)) continue;
      const TimeMs oldest = e.effective - longest;
      std::erase_if(sessions, [&](const auto& s) { return *s.rbegin() + m.gap <= oldest; });
      std::multiset<TimeMs> joined;
      std::erase_if(sessions, [&](const auto& s) {
        const bool near = *s.begin() - m.gap <= e.time && e.time <= *s.rbegin() + m.gap;
        if (near) joined.insert(s.begin(), s.end());
        return near;
      });
      if (joined.empty() && e.time <= oldest) continue;
      joined.insert(e.time);
      sessions.push_back(joined);
      std::sort(sessions.begin(), sessions.end());
      if (std::ssize(sessions) > limit) sessions.erase(sessions.begin());
    }
    SessionTotals totals;
    for (const auto& s : sessions) {
      const TimeMs end = *s.rbegin();
      if (end <= now - window.length) continue;
      ++totals.count;
      totals.length += end - *s.begin();
      totals.events += std::ssize(s);
      totals.bounces += s.size() == 1;
      if (end < now - m.gap) totals.closed_end = std::max(totals.closed_end, end);
    }
    return totals;
  }

  double OfPeriods(const Aggregate& a, const MeasurePlan& m, const WindowPlan& window, TimeMs now) const {
    TimeMs first = kAfterTime;
    for (const Event& e : events_) first = std::min(first, e.time);
    std::vector<int64_t> totals;
    const TimeMs current = Begin(window, now);
    for (TimeMs at = current - window.length; at <= current; at += window.tile) {
      if (at + window.tile <= first) continue;
      totals.push_back(0);
      for (const Event& e : Between(m, at, at + window.tile)) {
        totals.back() += m.slot < 0 ? 1 : e.slots[m.slot].value_or(0);
      }
    }
    const int64_t open = totals.back();
    totals.pop_back();
    return a.of_periods({totals, open}, m.options, 1);
  }

  const Plan& plan_;
  std::vector<Event> events_;
};

TimeMs Later(TimeMs now, Random* random) {
  switch (random->Below(8)) {
    case 0:
      return now;
    case 1:
      return now - now % kHour + kHour - static_cast<TimeMs>(random->Below(2));
    case 2:
      return now + 20 * kMinute + static_cast<TimeMs>(random->Below(2));
    case 3:
      return random->Chance(0.1) ? now + random->Between(30 * kDay, 100 * kDay) : now + kDay;
    default:
      return now + random->Between(kSecond, 2 * kHour);
  }
}

void RunSeed(uint64_t seed) {
  Random random(seed);
  const Plan plan = RandomPlan(&random);
  RowLayoutBuilder builder;
  auto features = FeatureSet::Build(plan, &builder);
  ASSERT_TRUE(features.ok()) << features.status();
  RowTable table(builder.Build());
  RowRef row = table.FindOrCreate(1, "c");
  BruteForce brute(plan);
  TimeMs now = kStart;
  for (uint64_t step = 60 + random.Below(60); step > 0; --step) {
    now = Later(now, &random);
    Event event{now, now, {random.Between(-3, 6), random.Between(0, 100'000), random.Below(2)}};
    if (random.Chance(0.25)) event.time -= random.Between(0, random.Chance(0.5) ? kHour : 20 * kDay);
    if (random.Chance(0.1)) event.slots[random.Below(2)].reset();
    MadeRecord record("c", event.time, event.slots);
    record->effective = now;
    features.value()->Update(*record, &row, now);
    brute.Add(event);
    if (random.Chance(0.3)) now = Later(now, &random);
    if (random.Chance(0.4)) continue;
    std::vector<double> registers = plan.program.initial;
    features.value()->Read(&row, now, registers.data());
    for (const MeasurePlan& m : plan.measures) {
      const double expected = brute.Value(m, now), got = registers[m.target];
      ASSERT_TRUE(IsNull(expected) ? IsNull(got) : got == expected)
          << m.aggregate << " of slot " << m.slot << " filter " << m.filter << " last " << m.last << " window "
          << m.window << ": " << got << ", expected " << expected;
    }
  }
}

TEST(WindowsPropertyTest, FeaturesEqualBruteForce) {
  const char* only = std::getenv("EBB_SEED");
  uint64_t seed = only == nullptr ? 0 : std::strtoull(only, nullptr, 10);
  const uint64_t end = only == nullptr ? kSeeds : seed + 1;
  for (; seed < end; ++seed) {
    RunSeed(seed);
    ASSERT_FALSE(HasFailure()) << "EBB_SEED=" << seed;
  }
}

}  // namespace
}  // namespace ebb
