// Duplicates by id: how long an id lasts, what a duplicate leaves alone, the limit.
#include "operators/window/seen_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/made_record.h"

namespace ebb {
namespace {

constexpr TimeMs kT = 1'700'006'400'000;
constexpr auto kFirst = SeenIds::Verdict::kFirst;
constexpr auto kFirstButFull = SeenIds::Verdict::kFirstButFull;
constexpr auto kAgain = SeenIds::Verdict::kAgain;

// Ids in slot 1, kept for an hour, three at most.
class SeenIdsTest : public ::testing::Test {
 protected:
  SeenIdsTest() : ids_({0, 1, kHour, 3}, "calls", &layout_), table_(layout_.Build()) {}

  SeenIds::Verdict Look(TimeMs now, std::optional<int64_t> id, std::string_view customer = "ann") {
    RowRef row = table_.FindOrCreate(HashKey(customer), customer);
    return ids_.Look(*MadeRecord(customer, now, {5, id}), &row, now);
  }
  std::string Bytes() {
    std::string bytes;
    EncodeRow(table_.Find(HashKey("ann"), "ann"), &bytes);
    return bytes;
  }

  RowLayoutBuilder layout_;
  SeenIds ids_;
  RowTable table_;
};

TEST_F(SeenIdsTest, AnIdLastsUntilItsTimeIsOver) {
  EXPECT_EQ(Look(kT, 7), kFirst);
  EXPECT_EQ(Look(kT, 7), kAgain);
  EXPECT_EQ(Look(kT + kHour - 1, 7), kAgain);
  EXPECT_EQ(Look(kT + kHour, 7), kFirst) << "the window is open at its start, and a duplicate doesn't prolong it";
  EXPECT_EQ(Look(kT + kHour, 7), kAgain);
}

TEST_F(SeenIdsTest, CustomersHaveIdsOfTheirOwn) {
  EXPECT_EQ(Look(kT, 7), kFirst);
  EXPECT_EQ(Look(kT, 7, "bob"), kFirst);
}

TEST_F(SeenIdsTest, WithoutAnIdNothingIsADuplicate) {
  EXPECT_EQ(Look(kT, std::nullopt), kFirst);
  EXPECT_EQ(Look(kT, std::nullopt), kFirst);
  EXPECT_EQ(Look(kT, 0), kFirst) << "the hash 0 is an id like any other";
  EXPECT_EQ(Look(kT, 0), kAgain);
}

TEST_F(SeenIdsTest, ADuplicateLeavesTheRowAsItWas) {
  Look(kT, 1);
  Look(kT + kHour - 1, 2);
  const std::string before = Bytes();
  EXPECT_EQ(Look(kT + kHour + 1, 2), kAgain);
  EXPECT_EQ(Bytes(), before) << "what is too old goes with the next record that counts";
}

TEST_F(SeenIdsTest, TheOldestGoesWhenItIsFull) {
  for (int64_t id : {1, 2, 3}) EXPECT_EQ(Look(kT + id, id), kFirst);
  EXPECT_EQ(Look(kT + 4, 4), kFirstButFull);
  EXPECT_EQ(Look(kT + 5, 2), kAgain);
  EXPECT_EQ(Look(kT + 5, 1), kFirstButFull);
  EXPECT_EQ(Look(kT + 5 + kHour, 9), kFirst) << "all were too old: nothing had to go before its time";
}

}  // namespace
}  // namespace ebb
