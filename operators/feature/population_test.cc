// Statistics over all customers: values, order, nulls, closes.
#include "operators/feature/population.h"

#include <bit>

#include <gtest/gtest.h>

#include "operators/feature/program.h"

namespace ebb {
namespace {

double Of(const char* statistic, const std::vector<double>& values, int64_t quantile = 0) {
  PopulationPlan plan;
  plan.statistic = statistic;
  plan.quantile = quantile;
  return StatisticOf(plan, values);
}

TEST(PopulationTest, Statistics) {
  const std::vector<double> values = {4, kNull, -2, 7, 3};
  EXPECT_EQ(Of("mean", values), 3);
  EXPECT_EQ(Of("min", values), -2);
  EXPECT_EQ(Of("max", values), 7);
  EXPECT_EQ(Of("count", values), 4);
  EXPECT_DOUBLE_EQ(Of("stddev", values), 3.24037034920393);  // by numpy.std
}

TEST(PopulationTest, QuantilesAreValuesOfARank) {
  const std::vector<double> values = {40, 10, 30, 20};
  EXPECT_EQ(Of("quantile", values, 1), 10);
  EXPECT_EQ(Of("quantile", values, 250'000), 10);
  EXPECT_EQ(Of("quantile", values, 250'001), 20);
  EXPECT_EQ(Of("quantile", values, 500'000), 20);
  EXPECT_EQ(Of("quantile", values, 1'000'000), 40);
}

TEST(PopulationTest, WithoutValuesNothingIsKnown) {
  for (const PopulationStatistic& statistic : PopulationStatistics()) {
    for (const std::vector<double>& values : {std::vector<double>{}, {kNull, kNull}}) {
      const double value = Of(statistic.name, values, 500'000);
      if (std::string_view(statistic.name) == "count") {
        EXPECT_EQ(value, 0);
      } else {
        EXPECT_TRUE(IsNull(value)) << statistic.name;
      }
    }
  }
  EXPECT_EQ(FindPopulationStatistic("median"), nullptr);
}

// In an order of the sum that depends on the tasks the last bits would, too.
TEST(PopulationTest, TheOrderOfTheCustomersChangesNoBit) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1.0 / (i + 1) * (i % 3 == 0 ? -1e9 : 1));
  values.push_back(0.0);
  values.push_back(-0.0);
  const std::vector<double> turned(values.rbegin(), values.rend());
  for (const PopulationStatistic& statistic : PopulationStatistics()) {
    const double one = Of(statistic.name, values, 333'333);
    const double other = Of(statistic.name, turned, 333'333);
    EXPECT_EQ(std::bit_cast<int64_t>(one), std::bit_cast<int64_t>(other)) << statistic.name;
  }
}

TEST(PopulationTest, Closes) {
  PopulationPlan daily;
  PopulationPlan hourly;
  hourly.per = kHour;
  hourly.closes = 10 * kMinute;
  EXPECT_EQ(NextPopulationClose({daily}, 5 * kDay), 5 * kDay);
  EXPECT_EQ(NextPopulationClose({daily}, 5 * kDay + 1), 6 * kDay);
  EXPECT_EQ(NextPopulationClose({daily, hourly}, 5 * kDay + 1), 5 * kDay + 10 * kMinute);
  EXPECT_EQ(NextPopulationClose({daily}, -1), 0);
  EXPECT_EQ(NextPopulationClose({}, 0), kAfterTime);
  EXPECT_TRUE(ClosesAt(hourly, 5 * kDay + 10 * kMinute));
  EXPECT_FALSE(ClosesAt(hourly, 5 * kDay));
  EXPECT_TRUE(ClosesAt(daily, 5 * kDay));
}

}  // namespace
}  // namespace ebb
