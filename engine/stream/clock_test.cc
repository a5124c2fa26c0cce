// Effective times, lateness and jumps of one log.
#include "engine/stream/clock.h"

#include <gtest/gtest.h>

#include "tests/support/made_record.h"

namespace ebb {
namespace {

constexpr TimeMs kStart = 1'700'000'000'000;

struct Stamped {
  TimeMs effective;
  bool late;
  Fate fate;
  Reason reason;
  TimeMs newest_before;
  bool operator==(const Stamped&) const = default;
};

Stamped Stamp(LogClock* clock, TimeMs time, Fate fate = Fate::kUse, Reason reason = Reason::kNone) {
  MadeRecord record("c", time);
  record->fate = fate;
  record->reason = reason;
  record->late = true;  // must be overwritten
  clock->Stamp(record.get());
  return {record->effective, record->late, record->fate, record->reason, record->newest_before};
}

TEST(LogClockTest, FollowsTheRuleRecordByRecord) {
  struct Case {
    const char* what;
    TimeMs time;
    Fate fate;
    TimeMs effective;
    bool late;
    TimeMs newest_after;
  };
  TimeSpec spec;
  spec.disorder = 100;
  LogClock clock(spec);
  EXPECT_EQ(clock.newest(), kBeforeTime);
  EXPECT_EQ(clock.watermark(), kBeforeTime);
  TimeMs newest = kBeforeTime;
  for (const Case& c : std::initializer_list<Case>{
           {"nothing usable yet", kBeforeTime, Fate::kQuarantine, kBeforeTime, false, kBeforeTime},
           {"first", kStart, Fate::kUse, kStart, false, kStart},
           {"later", kStart + 500, Fate::kUse, kStart + 500, false, kStart + 500},
           {"disordered", kStart + 450, Fate::kUse, kStart + 450, false, kStart + 500},
           {"exactly at the edge", kStart + 400, Fate::kUse, kStart + 400, false, kStart + 500},
           {"one behind the edge", kStart + 399, Fate::kUse, kStart + 400, true, kStart + 500},
           {"long ago", kStart - kDay, Fate::kUse, kStart + 400, true, kStart + 500},
           {"quarantined in the future", kStart + 9000, Fate::kQuarantine, kStart + 400, false, kStart + 500},
           {"tombstone", kBeforeTime, Fate::kTombstone, kStart + 500, false, kStart + 500},
           {"filtered moves time", kStart + 700, Fate::kFilter, kStart + 700, false, kStart + 700},
           {"late because of it", kStart + 500, Fate::kUse, kStart + 600, true, kStart + 700},
           {"same time again", kStart + 700, Fate::kUse, kStart + 700, false, kStart + 700},
       }) {
    const Reason reason = c.fate == Fate::kQuarantine ? Reason::kJsonSyntax : Reason::kNone;
    EXPECT_EQ(Stamp(&clock, c.time, c.fate, reason), (Stamped{c.effective, c.late, c.fate, reason, newest})) << c.what;
    newest = c.newest_after;
    EXPECT_EQ(clock.newest(), newest) << c.what;
    EXPECT_EQ(clock.watermark(), newest == kBeforeTime ? kBeforeTime : newest - 100) << c.what;
  }
}

TEST(LogClockTest, AJumpIsQuarantinedAndNeverMovesTime) {
  TimeSpec spec;
  spec.disorder = 100;
  spec.max_jump = 1000;
  LogClock clock(spec);
  EXPECT_EQ(Stamp(&clock, kStart).fate, Fate::kUse) << "the first record can't jump";
  EXPECT_EQ(Stamp(&clock, kStart + 1000).fate, Fate::kUse) << "exactly max_jump";
  EXPECT_EQ(Stamp(&clock, kStart + 2001),
            (Stamped{kStart + 900, false, Fate::kQuarantine, Reason::kTimeJump, kStart + 1000}));
  EXPECT_EQ(Stamp(&clock, kStart + 2001, Fate::kFilter).reason, Reason::kTimeJump) << "filtered ones could, too";
  EXPECT_EQ(clock.newest(), kStart + 1000);
  EXPECT_EQ(Stamp(&clock, kStart + 2001, Fate::kQuarantine, Reason::kBadKey).reason, Reason::kBadKey);
  EXPECT_EQ(Stamp(&clock, kStart + 2000).fate, Fate::kUse);
  EXPECT_EQ(Stamp(&clock, kStart + 2001).fate, Fate::kUse) << "no jump any more";
}

TEST(LogClockTest, LateQuarantine) {
  TimeSpec spec;
  spec.disorder = 100;
  spec.quarantine_late = true;
  LogClock clock(spec);
  Stamp(&clock, kStart);
  EXPECT_EQ(Stamp(&clock, kStart - 100).fate, Fate::kUse);
  EXPECT_EQ(Stamp(&clock, kStart - 101), (Stamped{kStart - 100, true, Fate::kQuarantine, Reason::kLate, kStart}));
  EXPECT_EQ(Stamp(&clock, kStart - 101, Fate::kFilter).fate, Fate::kFilter) << "filtered stays filtered";
  EXPECT_EQ(clock.newest(), kStart);
}

TEST(LogClockTest, RestoredClockGoesOn) {
  TimeSpec spec;
  spec.disorder = 10;
  LogClock clock(spec);
  clock.Restore(kStart);
  EXPECT_EQ(clock.watermark(), kStart - 10);
  EXPECT_EQ(Stamp(&clock, kStart - 11), (Stamped{kStart - 10, true, Fate::kUse, Reason::kNone, kStart}));
}

}  // namespace
}  // namespace ebb
