// The last-seen table: order of recency, eviction at its limit, late items, windows of several lengths.
#include "operators/window/items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/window/nesting.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kT = 1'700'006'400'000;  // midnight
static_assert(kT % kDay == 0);

// A table on slot 0 with a window of a day by hours, one of a week by hours, one without end; filter is slot 1.
class ItemTableTest : public ::testing::Test {
 protected:
  explicit ItemTableTest(int filter = -1) : items_("items", 0, filter) {
    items_.AddRead({"day", kDay, kHour}, 4, 0);
    items_.AddRead({"ever", 0, 0}, 3, 1);
    items_.AddRead({"week", 7 * kDay, kHour}, 4, 2);
    RowLayoutBuilder layout;
    items_.Declare(&layout);
    table_ = std::make_unique<RowTable>(layout.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }

  void Add(TimeMs time, std::optional<int64_t> item, int64_t flag = 1) {
    items_.Add(*MadeRecord("c", time, {item, flag}), row_.get());
  }
  // day, ever, week
  std::vector<double> Read(TimeMs now) {
    std::vector<double> registers(3, -1);
    items_.Read(row_.get(), now, registers.data());
    return registers;
  }

  ItemTable items_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
};

TEST_F(ItemTableTest, CountsEachItemOnce) {
  EXPECT_THAT(Read(kT), ElementsAre(0, 0, 0));
  Add(kT, 7);
  Add(kT + 1, 7);
  Add(kT + 2, 0);
  Add(kT + 3, -1);
  Add(kT + 4, std::nullopt);
  EXPECT_THAT(Read(kT + 5), ElementsAre(3, 3, 3));
}

TEST_F(ItemTableTest, WindowsEndAtTileEdges) {
  Add(kT + 30 * kMinute, 1);
  Add(kT + 90 * kMinute, 2);
  EXPECT_THAT(Read(kT + kDay + kHour - 1), ElementsAre(2, 2, 2)) << "its tile still begins after the edge";
  EXPECT_THAT(Read(kT + kDay + kHour), ElementsAre(1, 2, 2));
  EXPECT_THAT(Read(kT + kDay + 2 * kHour), ElementsAre(0, 2, 2));
  EXPECT_THAT(Read(kT + 7 * kDay + kHour), ElementsAre(0, 2, 1));
  EXPECT_THAT(Read(kT + 700 * kDay), ElementsAre(0, 2, 0));
}

TEST_F(ItemTableTest, SeeingAnItemAgainMakesItRecent) {
  Add(kT, 1);
  Add(kT + kHour, 2);
  Add(kT + 10 * kHour, 1);
  EXPECT_THAT(Read(kT + kDay + 2 * kHour), ElementsAre(1, 2, 2)) << "only 2 has left the day";
}

TEST_F(ItemTableTest, WhenFullTheLeastRecentGoes) {
  for (int64_t item = 1; item <= 6; ++item) Add(kT + item * kHour, item);
  EXPECT_THAT(Read(kT + 6 * kHour), ElementsAre(4, 3, 4)) << "each read has its own limit";
  Add(kT + 7 * kHour, 2);  // had to go: is new again, and 3 goes
  EXPECT_THAT(Read(kT + kDay + 5 * kHour), ElementsAre(3, 3, 4)) << "left of 4, 5, 6 and 2 at the edge 5:00";
  EXPECT_THAT(Read(kT + kDay + 8 * kHour), ElementsAre(0, 3, 4));
}

TEST_F(ItemTableTest, LateItemsFindTheirPlace) {
  Add(kT + 20 * kHour, 1);
  Add(kT + 10 * kHour, 2);  // late
  Add(kT + 5 * kHour, 1);   // late, and 1 was seen later
  EXPECT_THAT(Read(kT + kDay + 11 * kHour), ElementsAre(1, 2, 2));
  Add(kT + 2 * kHour, 3);  // older than the day, within the week
  EXPECT_THAT(Read(kT + kDay + 11 * kHour), ElementsAre(1, 3, 3));
  Add(kT + 15 * kHour, 3);
  EXPECT_THAT(Read(kT + kDay + 11 * kHour), ElementsAre(2, 3, 3));
  Add(kT + 12 * kHour, 4);
  Add(kT + 1 * kHour, 5);  // full, and older than all
  EXPECT_THAT(Read(kT + kDay + 11 * kHour), ElementsAre(3, 3, 4));
  EXPECT_THAT(Read(kT + 7 * kDay + 12 * kHour), ElementsAre(0, 3, 3));
}

class FilteredItemTableTest : public ItemTableTest {
 protected:
  FilteredItemTableTest() : ItemTableTest(1) {}
};

TEST_F(FilteredItemTableTest, TheFilterMustHold) {
  Add(kT, 1, 0);
  Add(kT, 2, 1);
  EXPECT_THAT(Read(kT), ElementsAre(1, 1, 1));
}

TEST(ItemTableFitsTest, TilesMustDivideOneAnother) {
  ItemTable items("items", 0, -1);
  EXPECT_TRUE(items.Fits({"a", kDay, kHour}));
  items.AddRead({"a", kDay, kHour}, 4, 0);
  EXPECT_TRUE(items.Fits({"b", 30 * kDay, kDay}));
  EXPECT_TRUE(items.Fits({"c", kHour, 15 * kMinute}));
  EXPECT_FALSE(items.Fits({"d", 3 * kHour, 90 * kMinute}));
  EXPECT_TRUE(items.Fits({"e", 0, 0}));
  EXPECT_EQ(items.grain(), kHour);
}

// A window may be shorter than another and yet, with a coarser tile, reach back further: these can't share a table.
TEST(ItemTableFitsTest, WindowsMustNest) {
  struct Case {
    WindowPlan a, b;
    bool nest;
  };
  for (const Case& c : std::initializer_list<Case>{
           {{"", 2 * kDay, kDay}, {"", 2 * kDay + kHour, kHour}, false},
           {{"", 2 * kDay, kDay}, {"", 2 * kDay + 22 * kHour, kHour}, false},
           {{"", 2 * kDay, kDay}, {"", 2 * kDay + 23 * kHour, kHour}, true},
           {{"", 2 * kDay, kHour}, {"", 2 * kDay + kHour, kHour}, true},
           {{"", 2 * kDay, kHour}, {"", 3 * kDay, kDay}, true},
           {{"", 2 * kDay, kHour}, {"", 2 * kDay, kDay}, true},
       }) {
    EXPECT_EQ(Nest(c.a, c.b), c.nest);
    EXPECT_EQ(Nest(c.b, c.a), c.nest);
    ItemTable items("items", 0, -1);
    items.AddRead(c.a, 4, 0);
    EXPECT_EQ(items.Fits(c.b), c.nest);
  }
}

TEST(ItemTableFitsTest, EqualLengthsWithDifferentTiles) {
  for (bool fine_first : {false, true}) {
    ItemTable items("items", 0, -1);
    items.AddRead({"", 2 * kDay, fine_first ? kHour : kDay}, 8, fine_first);
    items.AddRead({"", 2 * kDay, fine_first ? kDay : kHour}, 8, !fine_first);
    RowLayoutBuilder layout;
    items.Declare(&layout);
    RowTable table(layout.Build());
    RowRef row = table.FindOrCreate(1, "c");
    items.Add(*MadeRecord("c", kT + 5 * kHour, {1}), &row);
    items.Add(*MadeRecord("c", kT + 12 * kHour, {2}), &row);
    std::vector<double> registers(2);
    items.Read(&row, kT + 2 * kDay + 12 * kHour, registers.data());
    EXPECT_THAT(registers, ElementsAre(2, 1));
    items.Read(&row, kT + 2 * kDay + 20 * kHour, registers.data());
    EXPECT_THAT(registers, ElementsAre(2, 0));
  }
}

}  // namespace
}  // namespace ebb
