// Closed periods: edges and offsets, late events, the series since the first event, several windows on one ring.
#include "operators/window/periods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/feature/program.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kT = 1'700'000'000'000 / kDay * kDay + kHour;  // a period begins here

// count over one closed day, sum of slot 0 over three, silent_streak and slope (of counts) over three; filter is
// slot 1.
class PeriodRingTest : public ::testing::Test {
 protected:
  PeriodRingTest() : ring_("ring", kDay, kHour) {
    const auto add = [this](const char* name, int slot, int64_t periods, int target) {
      MeasurePlan measure;
      measure.slot = slot;
      measure.filter = 1;
      measure.target = target;
      const WindowPlan window{"w", periods * kDay, kDay, true, kHour};
      EXPECT_TRUE(ring_.Fits(window));
      ring_.AddRead(window, measure, FindAggregate(name), 10);
    };
    add("count", -1, 1, 0);
    add("sum", 0, 3, 1);
    add("silent_streak", -1, 3, 2);
    add("slope", -1, 3, 3);
    RowLayoutBuilder layout;
    EXPECT_TRUE(ring_.Declare(&layout));
    table_ = std::make_unique<RowTable>(layout.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }

  void Add(TimeMs time, std::optional<int64_t> value, TimeMs now, int64_t flag = 1) {
    ring_.Add(*MadeRecord("c", time, {value, flag}), row_.get(), now);
  }
  // Null is -99.
  std::vector<double> Read(TimeMs now, TimeMs first_seen = kT) {
    std::vector<double> registers(4, -1);
    ring_.Read(row_.get(), now, first_seen, registers.data());
    for (double& value : registers) value = IsNull(value) ? -99 : value;
    return registers;
  }

  PeriodRing ring_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
};

TEST_F(PeriodRingTest, APeriodCountsFromTheInstantOfItsEnd) {
  Add(kT, 20, kT);
  Add(kT + kDay - 1, std::nullopt, kT + kDay - 1);
  Add(kT + kDay - 1, 50, kT + kDay - 1, 0);
  EXPECT_THAT(Read(kT + kDay - 1), ElementsAre(0, 0, 0, -99));
  EXPECT_THAT(Read(kT + kDay), ElementsAre(2, 2, 0, -99));
  EXPECT_THAT(Read(kT + 2 * kDay), ElementsAre(0, 2, 1, -2));
  EXPECT_THAT(Read(kT + 4 * kDay - 1), ElementsAre(0, 2, 2, -1));
  EXPECT_THAT(Read(kT + 4 * kDay), ElementsAre(0, 0, 3, 0));
}

TEST_F(PeriodRingTest, LateEventsCountInTheirPeriod) {
  Add(kT + 3 * kDay, 10, kT + 3 * kDay);
  Add(kT + kDay, 40, kT + 3 * kDay);
  EXPECT_THAT(Read(kT + 3 * kDay), ElementsAre(0, 4, 0, 0)) << "one in the middle of three, and the current one";
  Add(kT - kDay, 70, kT + 3 * kDay);  // in no window
  EXPECT_THAT(Read(kT + 3 * kDay), ElementsAre(0, 4, 0, 0));
}

TEST_F(PeriodRingTest, TheSeriesBeginsWithTheFirstEvent) {
  Add(kT + kDay, 10, kT + kDay);
  EXPECT_THAT(Read(kT + 3 * kDay, kT + kDay), ElementsAre(0, 1, 1, -1)) << "two closed periods";
  EXPECT_THAT(Read(kT + 3 * kDay, kT), ElementsAre(0, 1, 1, 0)) << "three";
}

TEST_F(PeriodRingTest, OtherPeriodsHaveARingOfTheirOwn) {
  EXPECT_FALSE(ring_.Fits({"w", 2 * kDay, kDay, true, 0}));
  EXPECT_FALSE(ring_.Fits({"w", 2 * kDay, kHour, true, kHour}));
}

}  // namespace
}  // namespace ebb
