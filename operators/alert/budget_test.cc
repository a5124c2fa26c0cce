// Periods, shares and the ranking.
#include "operators/alert/budget.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "operators/feature/program.h"

namespace ebb {
namespace {

constexpr TimeMs kMidnight = 1'700'006'400'000;

TEST(BudgetTest, Periods) {
  const BudgetPlan day{"day", 1, kDay, 0}, morning{"morning", 1, kDay, 6 * kHour}, hour{"hour", 1, kHour, 0};
  EXPECT_EQ(LastOfPeriod(day, kMidnight), kMidnight + kDay - 1);
  EXPECT_EQ(LastOfPeriod(day, kMidnight - 1), kMidnight - 1);
  EXPECT_EQ(LastOfPeriod(morning, kMidnight), kMidnight + 6 * kHour - 1);
  EXPECT_EQ(LastOfPeriod(morning, kMidnight + 6 * kHour), kMidnight + 30 * kHour - 1);
  EXPECT_EQ(LastOfPeriod(day, -1), -1) << "before 1970";
  EXPECT_EQ(NextClose({day}, kMidnight), kMidnight);
  EXPECT_EQ(NextClose({day}, kMidnight + 1), kMidnight + kDay);
  EXPECT_EQ(NextClose({day, morning, hour}, kMidnight + 5 * kHour + 1), kMidnight + 6 * kHour);
  EXPECT_EQ(NextClose({}, kMidnight), kAfterTime);
}

TEST(BudgetTest, SharesAddUp) {
  for (int64_t alerts : {0, 1, 7, 200}) {
    for (int count : {1, 2, 3, 64}) {
      int64_t sum = 0;
      for (int i = 0; i < count; ++i) {
        const int64_t places = PlacesOf({"b", alerts, kDay, 0}, {i, count});
        EXPECT_GE(places, alerts / count);
        EXPECT_LE(places, alerts / count + 1);
        sum += places;
      }
      EXPECT_EQ(sum, alerts);
    }
  }
}

TEST(BudgetTest, RanksByPriorityThenCustomerThenRule) {
  std::vector<Bid> bids = {{0, 0, kNull, "a"}, {0, 1, 2, "b"}, {0, 0, 2, "b"}, {1, 0, 9, "a"},
                           {0, 0, 3, "z"},     {0, 0, 2, "a"}, {0, 0, -1, "a"}};
  std::sort(bids.begin(), bids.end(), [](const Bid& a, const Bid& b) { return RanksBefore(a, b); });
  std::string order;
  for (const Bid& bid : bids) order += bid.customer + std::to_string(bid.rule) + (bid.budget == 1 ? "! " : " ");
  EXPECT_EQ(order, "z0 a0 b0 b1 a0 a0 a0! ");
  EXPECT_TRUE(IsNull(bids[5].priority)) << "null ranks last";
}

}  // namespace
}  // namespace ebb
