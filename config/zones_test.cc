// Zones against what is known of them, against the rules of summer time that are written out elsewhere, and quiet hours
// against trying every minute.
#include "config/zones.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/explain.h"
#include "config/pipeline.h"
#include "config/run_tests.h"
#include "engine/base/random.h"
#include "operators/alert/quiet_hours.h"

namespace ebb {
namespace {

using testing::HasSubstr;

TimeMs At(std::string_view text) { return *ParseTime(text); }

TEST(ZonesTest, KnownChanges) {
  struct Case {
    const char* zone;
    const char* time;
    DurationMs before, after;
  };
  const Case kCases[] = {
      {"Europe/Berlin", "2026-03-29T01:00:00Z", kHour, 2 * kHour},
      {"Europe/Berlin", "2026-10-25T01:00:00Z", 2 * kHour, kHour},
      {"America/New_York", "2026-03-08T07:00:00Z", -5 * kHour, -4 * kHour},
      {"America/New_York", "2006-04-02T07:00:00Z", -5 * kHour, -4 * kHour},  // by the rule that held then
      {"Australia/Lord_Howe", "2026-04-04T15:00:00Z", 11 * kHour, 10 * kHour + 30 * kMinute},
      {"Pacific/Apia", "2011-12-30T10:00:00Z", -10 * kHour, 14 * kHour},  // a day that there was not
      {"Asia/Shanghai", "1991-09-14T17:00:00Z", 9 * kHour, 8 * kHour},
      {"Asia/Kolkata", "2026-06-01T00:00:00Z", 5 * kHour + 30 * kMinute, 5 * kHour + 30 * kMinute},
      {"Europe/Berlin", "1890-01-01T00:00:00Z", kHour, kHour},  // the first that is known
      {"Europe/Berlin", "2150-07-01T00:00:00Z", 2 * kHour, 2 * kHour},
      {"UTC", "2026-06-01T00:00:00Z", 0, 0},
  };
  for (const Case& c : kCases) {
    const std::optional<Zone> zone = FindZone(c.zone);
    ASSERT_TRUE(zone) << c.zone;
    EXPECT_EQ(zone->OffsetAt(At(c.time) - 1), c.before) << c.zone << " " << c.time;
    EXPECT_EQ(zone->OffsetAt(At(c.time)), c.after) << c.zone << " " << c.time;
  }
}

TEST(ZonesTest, NamesThatMeanNothingEverywhere) {
  for (const char* name : {"", "Europe/Berln", "localtime", "posixrules", "/etc/localtime", "../zoneinfo/UTC",
                           "Fixed/UTC+01:00:00", "file:/etc/localtime", "Europe/../UTC", "+01:00", "Europe"}) {
    EXPECT_FALSE(FindZone(name)) << name;
  }
  EXPECT_NE(ZoneDigits(*FindZone("Europe/Berlin")), ZoneDigits(*FindZone("Europe/London")));
}

TEST(ZonesTest, RulesOfSummerTimeAgree) {
  struct Case {
    const char* zone;
    DurationMs winter;
    SummerTime rule;
  };
  for (const Case& c :
       {Case{"Europe/Berlin", kHour, SummerTime::kEu}, Case{"Europe/Athens", 2 * kHour, SummerTime::kEu},
        Case{"America/Denver", -7 * kHour, SummerTime::kUs}}) {
    const Zone zone = *FindZone(c.zone);
    for (TimeMs time = At("2008-01-01T00:00:00Z"); time < At("2199-12-01T00:00:00Z"); time += kDay - kMinute) {
      ASSERT_EQ(zone.OffsetAt(time), OffsetAt(time, c.winter, c.rule)) << c.zone << " " << FormatTime(time);
    }
  }
}

bool IsQuiet(const QuietPlan& plan, TimeMs time) {
  const DurationMs clock = ((time + plan.place.OffsetAt(time)) % kDay + kDay) % kDay;
  return plan.from < plan.to ? clock >= plan.from && clock < plan.to : clock >= plan.from || clock < plan.to;
}

TEST(ZonesTest, QuietHoursAroundChanges) {
  const std::vector<std::string> names = {"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia",
                                          "Africa/Casablanca"};
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    QuietPlan plan;
    plan.place = *FindZone(names[random.Below(names.size())]);
    plan.from = static_cast<DurationMs>(random.Below(48)) * 30 * kMinute;
    plan.to = static_cast<DurationMs>(random.Below(48)) * 30 * kMinute;
    if (plan.from == plan.to) continue;
    const auto& changes = plan.place.changes;
    const TimeMs change = changes[1 + random.Below(std::min<size_t>(changes.size() - 1, 150))].from;
    const TimeMs now = change + (static_cast<TimeMs>(random.Below(4 * 24 * 60)) - 3 * 24 * 60) * kMinute;
    TimeMs expected = now;
    while (IsQuiet(plan, expected)) expected += kMinute;
    ASSERT_EQ(FormatTime(QuietUntil(plan, nullptr, now)), FormatTime(expected))
        << "seed " << seed << ": " << plan.place.name << " from " << FormatDuration(plan.from) << " to "
        << FormatDuration(plan.to) << " at " << FormatTime(now);
  }
}

const char kPipeline[] = R"(pipeline: p
entity: {key: customer}
sources:
  calls:
    file: f
    time: {field: t, unit: ms}
    fields:
      late: {expr: "hour('Europe/Berlin') >= 22", type: bool}
features:
  at_two: {from: calls, agg: count, where: "hour('Europe/Berlin') == 2", over: always}
  at_three: {from: calls, agg: count, where: "hour('Europe/Berlin') == 3", over: always}
  sundays: {from: calls, agg: count, where: "weekday('Pacific/Auckland') == 7 and not late", over: always}
  silence: {from: calls, agg: recency}
windows: {always: ever}
alerts:
  quiet: {when: "silence > 2h", quiet: {from: 21h, to: 8h, zone: Europe/Berlin}}
tests:
  - name: the days on which clocks are changed
    given:
      - {calls: {at: 87d, customer: a}}         # 2026-03-29 01:00 in Berlin
      - {calls: {at: 87d59m, customer: a}}
      - {calls: {at: 87d1h, customer: a}}       # 03:00
      - {calls: {at: 87d12h, customer: a}}      # still Sunday in Berlin; Monday in Auckland
      - {calls: {at: 297d30m, customer: a}}     # 2026-10-25 02:30 for the first time
      - {calls: {at: 297d1h30m, customer: a}}   # for the second time
      - {calls: {at: 297d20h, customer: b}}     # 21:00
    until: 300d
    expect:
      - {feature: at_two, customer: a, is: 2}
      - {feature: at_three, customer: a, is: 1}
      - {feature: sundays, customer: a, is: 5}
      - {alert: quiet, customer: b, at: 298d7h}
)";

LoadResult Load(const std::string& text) {
  return LoadPipelineText(text, "p", {[](const std::string&) { return std::nullopt; }, ""});
}

TEST(ZonesTest, RecordsAndAlertsReadTheClocksOfAPlace) {
  const LoadResult loaded = Load(kPipeline);
  ASSERT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
  const auto outcomes = RunTests(*loaded.pipeline, true);
  ASSERT_TRUE(outcomes.ok());
  ASSERT_FALSE(outcomes->empty());
  for (const TestOutcome& outcome : *outcomes) {
    for (const ExpectationOutcome& e : outcome.expectations) {
      EXPECT_TRUE(e.passed) << e.expected << ": " << fmt::format("{}", fmt::join(e.happened, "; "));
    }
  }
  const std::string told = ExplainPipeline(*loaded.pipeline);
  EXPECT_THAT(told, HasSubstr("from 21h to 8h, Europe/Berlin\n"));
  for (const char* zone : {"Europe/Berlin", "Pacific/Auckland"}) {
    EXPECT_THAT(told, HasSubstr(fmt::format("Clocks of {}: {}\n", zone, ZoneDigits(*FindZone(zone)))));
  }
}

TEST(ZonesTest, TheFingerprintCoversZones) {
  const std::string first = Load(kPipeline).pipeline->plan.fingerprint;
  std::string other = kPipeline;
  other.replace(other.find("zone: Europe/Berlin"), 19, "zone: Europe/Vienna");
  EXPECT_NE(Load(other).pipeline->plan.fingerprint, first);
}

TEST(ZonesTest, ANameOfThePipelineIsNoZone) {
  std::string text = kPipeline;
  text.replace(text.find("silence:"), 8, "Japan: {expr: \"silence * 1\"}\n  silence:");
  text.replace(text.find("zone: Europe/Berlin"), 19, "zone: Japan");
  const LoadResult loaded = Load(text);
  ASSERT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
  EXPECT_TRUE(loaded.pipeline->plan.alerts[0].quiet.place.changes.empty());
  EXPECT_GE(loaded.pipeline->plan.alerts[0].quiet.zone_register, 0);
}

}  // namespace
}  // namespace ebb
