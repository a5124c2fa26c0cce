// Tallies: tiles that leave, late events, windows of several lengths on one table, the limit and its flag.
#include "operators/window/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/feature/program.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kT = 1'700'000'000'000 / kDay * kDay;

// top over 2h and over 6h in tiles of 1h, top_share over 6h; at most 4 pairs of tile and value; filter is slot 1.
class TallyTest : public ::testing::Test {
 protected:
  TallyTest() : tally_("tally", 0, 1, nullptr) {
    const auto add = [this](const char* name, DurationMs length, int target) {
      MeasurePlan measure;
      measure.max_items = 4;
      measure.target = target;
      const WindowPlan window{"w", length, kHour};
      EXPECT_TRUE(tally_.Fits(window));
      tally_.AddRead(window, measure, FindAggregate(name), 1);
    };
    add("top", 2 * kHour, 0);
    add("top", 6 * kHour, 1);
    add("top_share", 6 * kHour, 2);
    RowLayoutBuilder layout;
    tally_.Declare(&layout);
    table_ = std::make_unique<RowTable>(layout.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }

  void Add(TimeMs time, std::optional<int64_t> value, TimeMs now, int64_t flag = 1) {
    tally_.Add(*MadeRecord("c", time, {value, flag}), row_.get(), now);
  }
  // Null is -99.
  std::vector<double> Read(TimeMs now) {
    std::vector<double> registers(3, -1);
    tally_.Read(row_.get(), now, registers.data());
    for (double& value : registers) value = IsNull(value) ? -99 : value;
    return registers;
  }

  Tally tally_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
};

TEST_F(TallyTest, CountsLeaveWithTheirTile) {
  EXPECT_THAT(Read(kT), ElementsAre(-99, -99, -99));
  for (int i = 0; i < 3; ++i) Add(kT + i, 7, kT + i);
  Add(kT + 10, 5, kT + 10, 0);
  Add(kT + 10, std::nullopt, kT + 10);
  Add(kT + kHour, 5, kT + kHour);
  EXPECT_THAT(Read(kT + 3 * kHour - 1), ElementsAre(7, 7, 0.75));
  EXPECT_THAT(Read(kT + 3 * kHour), ElementsAre(5, 7, 0.75));
  EXPECT_THAT(Read(kT + 7 * kHour), ElementsAre(-99, 5, 1));
  EXPECT_THAT(Read(kT + 8 * kHour), ElementsAre(-99, -99, -99));
}

TEST_F(TallyTest, LateEventsCountWhereTheyBelong) {
  Add(kT + 3 * kHour, 5, kT + 3 * kHour);
  Add(kT, 7, kT + 3 * kHour);
  Add(kT, 7, kT + 3 * kHour);
  EXPECT_THAT(Read(kT + 3 * kHour), ElementsAre(5, 7, 2.0 / 3));
  Add(kT - 4 * kHour, 9, kT + 3 * kHour);  // before the longest window
  EXPECT_THAT(Read(kT + 3 * kHour), ElementsAre(5, 7, 2.0 / 3));
}

TEST_F(TallyTest, TheLimitIsFlaggedWhileAWindowLacksPairs) {
  for (int i = 0; i < 4; ++i) Add(kT + i * kHour, 7, kT + i * kHour);
  EXPECT_FALSE(tally_.Overflowed(*row_, kT + 4 * kHour));
  Add(kT + 4 * kHour, 7, kT + 4 * kHour);
  Add(kT + 4 * kHour, 7, kT + 4 * kHour);
  EXPECT_TRUE(tally_.Overflowed(*row_, kT + 4 * kHour));
  EXPECT_THAT(Read(kT + 4 * kHour), ElementsAre(7, 7, 1));
  EXPECT_TRUE(tally_.Overflowed(*row_, kT + 7 * kHour - 1));
  EXPECT_FALSE(tally_.Overflowed(*row_, kT + 7 * kHour)) << "the tile that lost has left";
}

TEST_F(TallyTest, WindowsEverAreKeptApart) { EXPECT_FALSE(tally_.Fits({"ever", 0, 0})); }

}  // namespace
}  // namespace ebb
