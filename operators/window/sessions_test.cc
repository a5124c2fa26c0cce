// Sessions: gaps to the millisecond, late events that lengthen and join, the window, the limit and its flag.
#include "operators/window/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/feature/program.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kT = 1'700'000'000'000;

// session_count, session_length, session_depth and session_recency over 1000 ms, gap 10 ms, at most 3 sessions.
class SessionTableTest : public ::testing::Test {
 protected:
  SessionTableTest() : sessions_("sessions", -1, 10) {
    int target = 0;
    for (const char* name : {"session_count", "session_length", "session_depth", "session_recency"}) {
      MeasurePlan measure;
      measure.max_sessions = 3;
      measure.target = target++;
      sessions_.AddRead({"w", 1000, 100}, measure, FindAggregate(name));
    }
    RowLayoutBuilder layout;
    sessions_.Declare(&layout);
    table_ = std::make_unique<RowTable>(layout.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }

  void Add(DurationMs at, DurationMs now) { sessions_.Add(*MadeRecord("c", kT + at), row_.get(), kT + now); }
  // Null is -99.
  std::vector<double> Read(DurationMs now) {
    std::vector<double> registers(4, -1);
    sessions_.Read(row_.get(), kT + now, registers.data());
    for (double& value : registers) value = IsNull(value) ? -99 : value;
    return registers;
  }

  SessionTable sessions_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
};

TEST_F(SessionTableTest, TheGapIsCountedToTheMillisecond) {
  EXPECT_THAT(Read(0), ElementsAre(0, -99, -99, -99));
  Add(0, 0);
  Add(10, 10);
  EXPECT_THAT(Read(20), ElementsAre(1, 10, 2, -99)) << "it may still go on";
  EXPECT_THAT(Read(21), ElementsAre(1, 10, 2, 11));
  Add(21, 21);
  EXPECT_THAT(Read(21), ElementsAre(2, 5, 1.5, 11));
}

TEST_F(SessionTableTest, LateEventsLengthenAndJoin) {
  Add(0, 0);
  Add(30, 30);
  Add(20, 40);
  EXPECT_THAT(Read(50), ElementsAre(2, 5, 1.5, 20)) << "0; 20 to 30";
  Add(10, 50);
  EXPECT_THAT(Read(50), ElementsAre(1, 30, 4, 20));
  Add(15, 50);
  EXPECT_THAT(Read(50), ElementsAre(1, 30, 5, 20));
}

TEST_F(SessionTableTest, TheWindowHoldsWholeSessions) {
  Add(0, 0);
  Add(8, 8);
  EXPECT_THAT(Read(1007), ElementsAre(1, 8, 2, 999));
  EXPECT_THAT(Read(1008), ElementsAre(0, -99, -99, -99));
  Add(12, 1008);
  EXPECT_THAT(Read(1008), ElementsAre(1, 12, 3, 996)) << "touched what had just left";
  Add(14, 1100);
  EXPECT_THAT(Read(1100), ElementsAre(0, -99, -99, -99)) << "older than the window, and nothing there to touch";
}

TEST_F(SessionTableTest, TheLimitIsFlaggedWhileTheWindowLacksSessions) {
  for (DurationMs at : {0, 100, 200}) Add(at, at);
  EXPECT_FALSE(sessions_.Overflowed(*row_, kT + 200));
  Add(300, 300);
  EXPECT_THAT(Read(300), ElementsAre(3, 0, 1, 100));
  EXPECT_TRUE(sessions_.Overflowed(*row_, kT + 999));
  EXPECT_FALSE(sessions_.Overflowed(*row_, kT + 1000));
  Add(50, 310);  // older than all that are kept
  EXPECT_THAT(Read(311), ElementsAre(3, 0, 1, 11));
  EXPECT_TRUE(sessions_.Overflowed(*row_, kT + 1000));
}

}  // namespace
}  // namespace ebb
