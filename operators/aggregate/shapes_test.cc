// The aggregates of items, events, closed periods and sessions, by hand.
#include <cmath>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

constexpr TimeMs kT = 1'700'000'000'000;

std::optional<double> Maybe(double value) { return std::isnan(value) ? std::nullopt : std::optional(value); }

std::optional<double> OfItems(const char* name, std::vector<ItemCount> items, AggregateOptions options = {}) {
  return Maybe(FindAggregate(name)->of_items(items, options, 10));
}

std::optional<double> OfPeriods(const char* name, std::vector<int64_t> closed, int64_t open = 0,
                                AggregateOptions options = {}) {
  return Maybe(FindAggregate(name)->of_periods({closed, open}, options, 10));
}

TEST(ShapesTest, QuantileIsTheValueOfARank) {
  const auto q = [](int64_t millionths) { return AggregateOptions{.quantile = millionths}; };
  const std::vector<ItemCount> items = {{-5, 1}, {10, 2}, {70, 1}};
  EXPECT_EQ(OfItems("quantile", {}), std::nullopt);
  EXPECT_EQ(OfItems("quantile", items, q(1)), -0.5);
  EXPECT_EQ(OfItems("quantile", items, q(250'000)), -0.5);
  EXPECT_EQ(OfItems("quantile", items, q(250'001)), 1);
  EXPECT_EQ(OfItems("quantile", items, q(750'000)), 1);
  EXPECT_EQ(OfItems("quantile", items, q(1'000'000)), 7);
}

TEST(ShapesTest, BinsOfQuantilesKeepTheirPromise) {
  const auto item = FindAggregate("quantile")->item;
  for (int64_t value = -63; value < 64; ++value) EXPECT_EQ(item(value), value);
  int64_t before = 0;
  for (int64_t value = 1; value < int64_t{1} << 61; value += 1 + value / 97) {
    const int64_t middle = item(value);
    EXPECT_LE(std::fabs(static_cast<double>(middle - value)), static_cast<double>(value) / 64) << value;
    EXPECT_EQ(item(middle), middle) << value;
    EXPECT_EQ(item(-value), -middle) << value;
    EXPECT_GE(middle, before) << value;
    before = middle;
  }
  EXPECT_EQ(item(64), 64);
  EXPECT_EQ(item(127), 126);
  EXPECT_EQ(item(128), 129);
  EXPECT_LT(item(INT64_MIN), 0);
  EXPECT_GT(item(INT64_MAX), 0);
}

TEST(ShapesTest, EntropyAndTheMostFrequent) {
  EXPECT_EQ(OfItems("entropy", {}), std::nullopt);
  EXPECT_EQ(OfItems("entropy", {{3, 7}}), 0);
  EXPECT_NEAR(*OfItems("entropy", {{1, 2}, {2, 2}, {3, 2}, {9, 2}}), std::log(4), 1e-15);
  EXPECT_NEAR(*OfItems("entropy", {{1, 1}, {2, 3}}), -0.25 * std::log(0.25) - 0.75 * std::log(0.75), 1e-15);
  EXPECT_EQ(OfItems("entropy", {{1, 1}, {2, 3}, {4, 2}}), OfItems("entropy", {{-7, 3}, {2, 2}, {4, 1}}));

  const std::vector<ItemCount> items = {{10, 2}, {20, 5}, {30, 2}, {40, 1}};
  EXPECT_EQ(OfItems("top", {}), std::nullopt);
  EXPECT_EQ(OfItems("top", items), 2);
  EXPECT_EQ(OfItems("top", items, {.rank = 2}), 1) << "of equally frequent values the smaller";
  EXPECT_EQ(OfItems("top", items, {.rank = 3}), 3);
  EXPECT_EQ(OfItems("top", items, {.rank = 5}), std::nullopt);
  EXPECT_EQ(OfItems("top_share", {}), std::nullopt);
  EXPECT_EQ(OfItems("top_share", items), 0.5);
  EXPECT_EQ(OfItems("top_share", items, {.rank = 4}), 0.1);
  EXPECT_EQ(OfItems("top_share", items, {.rank = 5}), std::nullopt);
}

TEST(ShapesTest, IrregularityOfGaps) {
  const auto cv = [](const std::vector<TimeMs>& times) {
    std::vector<TimedValue> events;
    for (TimeMs time : times) events.push_back({kT + time, 0});
    return Maybe(FindAggregate("interarrival_cv")->of_events(events, 1));
  };
  EXPECT_EQ(cv({}), std::nullopt);
  EXPECT_EQ(cv({0, 5}), std::nullopt);
  EXPECT_EQ(cv({0, 0, 0}), std::nullopt);
  EXPECT_EQ(cv({0, 10, 20, 30}), 0);
  EXPECT_EQ(cv({0, 10, 40}), std::sqrt(200.0) / 20);  // gaps 10 and 30
}

TEST(ShapesTest, SlopeIsThatOfTheLeastSquaresLine) {
  EXPECT_EQ(OfPeriods("slope", {}), std::nullopt);
  EXPECT_EQ(OfPeriods("slope", {7}), std::nullopt);
  EXPECT_EQ(OfPeriods("slope", {70, 50}), -2);
  EXPECT_EQ(OfPeriods("slope", {10, 20, 30, 40}), 1);
  EXPECT_EQ(OfPeriods("slope", {5, 5, 5}, 1000), 0) << "the period that has begun is left out";
  EXPECT_EQ(OfPeriods("slope", {10, 0, 0, 0, 40}), 0.6);  // sum of (x - 2) y = -20 + 80, over 10
}

TEST(ShapesTest, DeviationFromWhatIsUsual) {
  EXPECT_EQ(OfPeriods("deviation", {40}, 40), std::nullopt);
  EXPECT_EQ(OfPeriods("deviation", {40, 40, 40}, 40), std::nullopt) << "no spread";
  EXPECT_EQ(OfPeriods("deviation", {40, 40, 40}, 20, {.min_spread = 1}), -2);
  EXPECT_EQ(OfPeriods("deviation", {10, 30}, 20), 0);
  EXPECT_EQ(OfPeriods("deviation", {10, 20, 30}, 0), -2);  // mean 20, spread 10
  EXPECT_EQ(OfPeriods("deviation", {10, 20, 30, 0}, 99, {.latest_closed = true}), -2);
  EXPECT_EQ(OfPeriods("deviation", {10, 30}, 99, {.latest_closed = true}), std::nullopt);
  EXPECT_EQ(OfPeriods("deviation", {}, 99, {.latest_closed = true}), std::nullopt);
  // Median 20; distances 10, 0, 10, 980, 10: median 10.
  EXPECT_EQ(OfPeriods("deviation", {10, 20, 30, 1000, 10}, 5, {.robust = true}), -15 / (1.4826 * 10));
  // Median 15; distances 5, 5.
  EXPECT_EQ(OfPeriods("deviation", {10, 20}, 0, {.robust = true}), -15 / (1.4826 * 5));
  EXPECT_EQ(OfPeriods("deviation", {10, 10, 10, 500}, 0, {.robust = true}), std::nullopt);
}

TEST(ShapesTest, MovingAverageAndCumulativeSum) {
  EXPECT_EQ(OfPeriods("ewma", {}), std::nullopt);
  EXPECT_EQ(OfPeriods("ewma", {80}), 8);
  EXPECT_EQ(OfPeriods("ewma", {80, 40, 20}, 500, {.alpha = 0.5}), 4);

  EXPECT_EQ(OfPeriods("cusum", {1, 2, 3}), std::nullopt) << "one period in the older half";
  EXPECT_EQ(OfPeriods("cusum", {5, 5, 1, 1}), std::nullopt) << "no spread";
  // Older half 10, 20, 30: mean 20, spread 10. Newer: 1 - .5, then 2 - .5, then -1 - .5.
  EXPECT_EQ(OfPeriods("cusum", {10, 20, 30, 10, 0, 30}), 0.5);
  // Of five the older half is two: mean 15, spread 5 sqrt(2).
  EXPECT_NEAR(*OfPeriods("cusum", {10, 20, 30, 10, 0}), 2 * std::sqrt(2) - 1, 1e-15);
  EXPECT_EQ(OfPeriods("cusum", {10, 20, 30, 50, 20, 0}, 0, {.slack = 1, .upward = true}), 0);
  EXPECT_EQ(OfPeriods("cusum", {10, 20, 30, 50, 20, 40}, 0, {.slack = 1, .upward = true}), 2);
  EXPECT_EQ(OfPeriods("cusum", {5, 5, 0, 0}, 0, {.min_spread = 0.5}), 1);
}

TEST(ShapesTest, Streaks) {
  EXPECT_EQ(OfPeriods("active_streak", {}), 0);
  EXPECT_EQ(OfPeriods("active_streak", {}, 3), 1);
  EXPECT_EQ(OfPeriods("active_streak", {1, 0, 2, 1}), 2);
  EXPECT_EQ(OfPeriods("active_streak", {1, 0, 2, 1}, 1), 3);
  EXPECT_EQ(OfPeriods("active_streak", {1, 0}), 0);
  EXPECT_EQ(OfPeriods("silent_streak", {}), 0);
  EXPECT_EQ(OfPeriods("silent_streak", {0, 1, 0, 0}), 2);
  EXPECT_EQ(OfPeriods("silent_streak", {0, 1, 0, 0}, 1), 0);
  EXPECT_EQ(OfPeriods("silent_streak", {1}), 0);
}

TEST(ShapesTest, SessionsAddedUp) {
  const auto of = [](const char* name, const SessionTotals& totals) {
    return Maybe(FindAggregate(name)->of_sessions(totals, kT + 500));
  };
  const SessionTotals none, some{.count = 4, .length = 100, .events = 10, .bounces = 1, .closed_end = kT};
  EXPECT_EQ(of("session_count", none), 0);
  EXPECT_EQ(of("session_count", some), 4);
  EXPECT_EQ(of("session_length", none), std::nullopt);
  EXPECT_EQ(of("session_length", some), 25);
  EXPECT_EQ(of("session_depth", none), std::nullopt);
  EXPECT_EQ(of("session_depth", some), 2.5);
  EXPECT_EQ(of("bounce_share", none), std::nullopt);
  EXPECT_EQ(of("bounce_share", some), 0.25);
  EXPECT_EQ(of("session_recency", none), std::nullopt);
  EXPECT_EQ(of("session_recency", some), 500);
}

}  // namespace
}  // namespace ebb
