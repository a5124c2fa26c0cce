// Times and durations as people write them.
#include "engine/stream/time.h"

#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

TEST(TimeTest, ParsesWhatPeopleWrite) {
  struct Case {
    const char* text;
    TimeMs time;
  };
  for (const Case& c : std::initializer_list<Case>{{"1970-01-01T00:00:00Z", 0},
                                                   {"1970-01-01", 0},
                                                   {"2010-12-01 08:26:00", 1291191960000},
                                                   {"2010-12-01T08:26", 1291191960000},
                                                   {"2026-03-04T10:21:07.123456789Z", 1772619667123},
                                                   {"2026-03-04T12:21:07+02:00", 1772619667000},
                                                   {"2026-03-04t04:51:07.5-0530", 1772619667500},
                                                   {"1969-12-31T23:59:59.999Z", -1},
                                                   {"2024-02-29", 1709164800000}}) {
    EXPECT_EQ(ParseTime(c.text), c.time) << c.text;
  }
  for (const char* text : {"", "2026", "2026-13-01", "2023-02-29", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00X", "2026-01-01T00:00:00.1234567890Z",
                           "2026-01-01T00:00:00+25:00", "01/02/2026", "2026-01-01Tnoon"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

TEST(TimeTest, FormatAndParseAgree) {
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    TimeMs time = random.Between(kEarliestTime, kLatestTime - 1);
    EXPECT_EQ(ParseTime(FormatTime(time)), time);
  }
  EXPECT_EQ(FormatTime(1772619667123), "2026-03-04T10:21:07.123Z");
  EXPECT_EQ(FormatTime(kBeforeTime), "never");
}

TEST(TimeTest, Durations) {
  EXPECT_EQ(ParseDuration("7d"), 7 * kDay);
  EXPECT_EQ(ParseDuration("1h30m"), 90 * kMinute);
  EXPECT_EQ(ParseDuration("1.5h"), 90 * kMinute);
  EXPECT_EQ(ParseDuration("0s"), 0);
  EXPECT_EQ(ParseDuration("2w"), 14 * kDay);
  EXPECT_EQ(ParseDuration("6265576.600000h"), 22'556'075'760'000) << "many digits, within 1000 years";
  EXPECT_EQ(ParseDuration("6265576.666666h"), std::nullopt) << "not whole";
  for (const char* text :
       {"", "7", "d", "7 d", "-7d", "7x", "1.5ms", "7d3", "1..5h", ".d", "999999999999999999d", "366000d"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
  EXPECT_EQ(FormatDuration(90 * kMinute), "1h30m");
  EXPECT_EQ(FormatDuration(15 * kDay + 1), "15d1ms");
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(-kHour), "-1h");
}

TEST(TimeTest, FloorDivRoundsDown) {
  EXPECT_EQ(FloorDiv(-1, 10), -1);
  EXPECT_EQ(FloorDiv(-10, 10), -1);
  EXPECT_EQ(FloorDiv(9, 10), 0);
}

}  // namespace
}  // namespace ebb
