// Clocks and quiet hours, against dates that people can look up.
#include "operators/alert/quiet_hours.h"

#include <string>

#include <gtest/gtest.h>

#include "operators/feature/program.h"

namespace ebb {
namespace {

TimeMs At(const std::string& text) { return *ParseTime(text + ":00Z"); }

TEST(QuietHoursTest, SummerTime) {
  struct Case {
    const char* now;
    SummerTime rule;
    DurationMs zone;
    bool summer;
  };
  const Case kCases[] = {{"2026-03-29T00:59", SummerTime::kEu, kHour, false},
                         {"2026-03-29T01:00", SummerTime::kEu, kHour, true},
                         {"2026-10-25T00:59", SummerTime::kEu, kHour, true},
                         {"2026-10-25T01:00", SummerTime::kEu, kHour, false},
                         {"2024-03-31T01:00", SummerTime::kEu, 0, true},
                         {"2024-03-31T00:59", SummerTime::kEu, 2 * kHour, false},
                         {"2026-03-08T06:59", SummerTime::kUs, -5 * kHour, false},
                         {"2026-03-08T07:00", SummerTime::kUs, -5 * kHour, true},
                         {"2026-11-01T05:59", SummerTime::kUs, -5 * kHour, true},
                         {"2026-11-01T06:00", SummerTime::kUs, -5 * kHour, false},
                         {"2026-03-08T09:59", SummerTime::kUs, -8 * kHour, false},
                         {"2026-03-08T10:00", SummerTime::kUs, -8 * kHour, true},
                         {"2026-01-01T00:00", SummerTime::kUs, -8 * kHour, false},
                         {"2026-12-31T23:59", SummerTime::kEu, 12 * kHour, false},
                         {"2026-07-01T12:00", SummerTime::kNone, kHour, false}};
  for (const Case& c : kCases) {
    EXPECT_EQ(OffsetAt(At(c.now), c.zone, c.rule), c.zone + (c.summer ? kHour : 0)) << c.now;
  }
}

TEST(QuietHoursTest, Ends) {
  struct Case {
    const char* now;
    DurationMs from, to, zone;
    SummerTime rule;
    const char* until;
  };
  const DurationMs h = kHour;
  const Case kCases[] = {
      {"2026-01-05T20:59", 21 * h, 8 * h, 0, SummerTime::kNone, "2026-01-05T20:59"},
      {"2026-01-05T21:00", 21 * h, 8 * h, 0, SummerTime::kNone, "2026-01-06T08:00"},
      {"2026-01-06T07:59", 21 * h, 8 * h, 0, SummerTime::kNone, "2026-01-06T08:00"},
      {"2026-01-06T08:00", 21 * h, 8 * h, 0, SummerTime::kNone, "2026-01-06T08:00"},
      {"2026-01-06T12:30", 12 * h, 13 * h, 0, SummerTime::kNone, "2026-01-06T13:00"},
      {"2026-01-06T13:00", 12 * h, 13 * h, 0, SummerTime::kNone, "2026-01-06T13:00"},
      {"2026-01-05T20:00", 21 * h, 8 * h, h, SummerTime::kNone, "2026-01-06T07:00"},
      {"2026-01-05T12:00", 21 * h, 8 * h, -9 * h - 30 * kMinute, SummerTime::kNone, "2026-01-05T17:30"},
      {"2026-07-05T19:30", 21 * h, 8 * h, h, SummerTime::kEu, "2026-07-06T06:00"},
      {"2026-03-28T22:00", 21 * h, 8 * h, h, SummerTime::kEu, "2026-03-29T06:00"},  // the night of 23 hours
      {"2026-10-24T22:00", 21 * h, 8 * h, h, SummerTime::kEu, "2026-10-25T07:00"},  // the night of 25 hours
      {"2026-03-28T22:00", 21 * h, 2 * h + 30 * kMinute, h, SummerTime::kEu, "2026-03-29T01:00"},  // 02:30 is left out
      {"2026-10-24T22:00", 21 * h, 2 * h + 30 * kMinute, h, SummerTime::kEu, "2026-10-25T00:30"},  // the first 02:30
      {"2026-10-24T22:00", 21 * h, 3 * h, h, SummerTime::kEu, "2026-10-25T02:00"},
      {"2026-10-25T00:45", 2 * h + 30 * kMinute, 5 * h, h, SummerTime::kEu, "2026-10-25T01:00"},  // it is 02:00 again
      {"2026-01-05T22:00", 7 * h, 7 * h, 0, SummerTime::kNone, "2026-01-05T22:00"}};
  for (const Case& c : kCases) {
    QuietPlan plan;
    plan.from = c.from;
    plan.to = c.to;
    plan.zone = c.zone;
    plan.summer_time = c.rule;
    EXPECT_EQ(FormatTime(QuietUntil(plan, nullptr, At(c.now))), FormatTime(At(c.until))) << c.now;
  }
}

TEST(QuietHoursTest, ACustomersOwnZone) {
  QuietPlan plan;
  plan.from = 21 * kHour;
  plan.to = 8 * kHour;
  plan.zone = kHour;
  plan.zone_register = 0;
  const auto until = [&](double zone) { return FormatTime(QuietUntil(plan, &zone, At("2026-01-05T23:00"))); };
  EXPECT_EQ(until(0), "2026-01-06T08:00:00.000Z");
  EXPECT_EQ(until(8 * kHour), "2026-01-06T00:00:00.000Z");
  EXPECT_EQ(until(-3 * kHour), "2026-01-05T23:00:00.000Z");
  EXPECT_EQ(until(kNull), "2026-01-06T07:00:00.000Z") << "unknown: the pipeline's";
  EXPECT_EQ(until(15 * kHour), "2026-01-06T07:00:00.000Z") << "no clock stands there";
}

}  // namespace
}  // namespace ebb
