// Exact windows: (t - D, t] to the millisecond, late events, the limit and its flag, nulls, filters.
#include "operators/window/tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/feature/program.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kT = 1'700'000'000'000;

// count and sum of slot 0 over 100 ms, last and distinct of slot 0 over 1000 ms; at most 5 events; filter is slot 1.
class EventTailTest : public ::testing::Test {
 protected:
  explicit EventTailTest(int filter = -1) : tail_("tail", filter, false) {
    const auto add = [this](const char* name, int slot, DurationMs length, int target) {
      MeasurePlan measure;
      measure.slot = slot;
      measure.max_events = 5;
      measure.max_items = 3;
      measure.target = target;
      tail_.AddRead(measure, FindAggregate(name), length, 10);
    };
    add("count", -1, 100, 0);
    add("sum", 0, 100, 1);
    add("last", 0, 1000, 2);
    add("distinct", 0, 1000, 3);
    RowLayoutBuilder layout;
    tail_.Declare(&layout);
    table_ = std::make_unique<RowTable>(layout.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }

  void Add(TimeMs time, std::optional<int64_t> value, TimeMs now, int64_t flag = 1) {
    tail_.Add(*MadeRecord("c", time, {value, flag}), row_.get(), now);
  }
  void Add(TimeMs time, std::optional<int64_t> value) { Add(time, value, time); }
  // count, sum, last, distinct; null is -99
  std::vector<double> Read(TimeMs now) {
    std::vector<double> registers(4, -1);
    tail_.Read(row_.get(), now, registers.data());
    for (double& value : registers) value = IsNull(value) ? -99 : value;
    return registers;
  }

  EventTail tail_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
};

TEST_F(EventTailTest, StartsAreOpenAndEndsClosed) {
  EXPECT_THAT(Read(kT), ElementsAre(0, 0, -99, 0));
  Add(kT, 20);
  EXPECT_THAT(Read(kT), ElementsAre(1, 2, 2, 1)) << "the current event counts";
  EXPECT_THAT(Read(kT + 99), ElementsAre(1, 2, 2, 1));
  EXPECT_THAT(Read(kT + 100), ElementsAre(0, 0, 2, 1));
  EXPECT_THAT(Read(kT + 999), ElementsAre(0, 0, 2, 1));
  EXPECT_EQ(row_->count(0), 1);
  EXPECT_THAT(Read(kT + 1000), ElementsAre(0, 0, -99, 0));
  EXPECT_EQ(row_->count(0), 0) << "what no window covers isn't kept";
}

TEST_F(EventTailTest, AddingLetsGoOfExactlyWhatIsOver) {
  for (int i = 0; i < 5; ++i) Add(kT + i, i);
  Add(kT + 1000, 5);  // kT has left: five fit again
  EXPECT_FALSE(tail_.Overflowed(*row_, kT + 1000));
  EXPECT_EQ(row_->cells()[0], 0) << "nothing had to go";
  EXPECT_THAT(Read(kT + 1000), ElementsAre(1, 0.5, 0.5, 3));
  EXPECT_EQ(row_->count(0), 5);
}

TEST_F(EventTailTest, LateEventsFindTheirPlace) {
  Add(kT, 1);
  Add(kT - 10, 2, kT);
  Add(kT - 10, 3, kT);
  EXPECT_THAT(Read(kT), ElementsAre(3, 0.6, 0.1, 3)) << "the last by time is the first that came";
  Add(kT - 999, 4, kT);
  Add(kT - 1000, 5, kT);
  EXPECT_EQ(row_->count(0), 4) << "older than every window";
  EXPECT_THAT(Read(kT), ElementsAre(3, 0.6, 0.1, 3));
}

TEST_F(EventTailTest, TheLimitIsFlaggedWhileAWindowLacksEvents) {
  for (int i = 0; i < 5; ++i) Add(kT + i * 10, i);
  EXPECT_FALSE(tail_.Overflowed(*row_, kT + 50));
  Add(kT + 50, 5);  // kT goes
  EXPECT_TRUE(tail_.Overflowed(*row_, kT + 50));
  EXPECT_THAT(Read(kT + 50), ElementsAre(5, 1.5, 0.5, 3));
  EXPECT_TRUE(tail_.Overflowed(*row_, kT + 999));
  EXPECT_FALSE(tail_.Overflowed(*row_, kT + 1000)) << "what had to go would have left by now";
  Add(kT + 5, 9, kT + 50);  // late, older than all that are kept
  EXPECT_TRUE(tail_.Overflowed(*row_, kT + 1000)) << "it had to go itself";
  EXPECT_FALSE(tail_.Overflowed(*row_, kT + 1005));
  EXPECT_THAT(Read(kT + 50), ElementsAre(5, 1.5, 0.5, 3));
}

TEST_F(EventTailTest, AtEqualTimesTheOneProcessedFirstGoes) {
  for (int i = 0; i < 6; ++i) Add(kT, i);
  EXPECT_THAT(Read(kT), ElementsAre(5, 1.5, 0.5, 3));
}

TEST_F(EventTailTest, NullsCountAsEventsOnly) {
  Add(kT, 5);
  Add(kT + 1, std::nullopt);
  EXPECT_THAT(Read(kT + 1), ElementsAre(2, 0.5, 0.5, 1));
}

class FilteredEventTailTest : public EventTailTest {
 protected:
  FilteredEventTailTest() : EventTailTest(1) {}
};

TEST_F(FilteredEventTailTest, TheFilterMustHold) {
  Add(kT, 5, kT, 0);
  EXPECT_EQ(row_->count(0), 0);
  Add(kT, 6, kT, 1);
  EXPECT_THAT(Read(kT), ElementsAre(1, 0.6, 0.6, 1));
}

}  // namespace
}  // namespace ebb
