// Civil dates by the proleptic Gregorian calendar of <chrono>, which is arithmetic and reads nothing.
#include "operators/alert/quiet_hours.h"

#include <chrono>
#include <cmath>

namespace ebb {
namespace {

constexpr DurationMs kLargestOffset = 14 * kHour;

TimeMs MidnightOf(std::chrono::sys_days day) { return day.time_since_epoch().count() * kDay; }

// The remainder of dividing by a day, never negative.
DurationMs TimeOfDay(TimeMs local) {
  const DurationMs rest = local % kDay;
  return rest < 0 ? rest + kDay : rest;
}

bool InSummer(TimeMs now, DurationMs zone, SummerTime rule) {
  using std::chrono::Sunday, std::chrono::year_month_day, std::chrono::sys_days, std::chrono::days;
  const TimeMs local = now + zone;
  const auto year = year_month_day(sys_days(days((local - TimeOfDay(local)) / kDay))).year();
  if (rule == SummerTime::kEu) {
    return now >= MidnightOf(sys_days(year / 3 / Sunday[std::chrono::last])) + kHour &&
           now < MidnightOf(sys_days(year / 10 / Sunday[std::chrono::last])) + kHour;
  }
  // Both changes in local standard time.
  return local >= MidnightOf(sys_days(year / 3 / Sunday[2])) + 2 * kHour &&
         local < MidnightOf(sys_days(year / 11 / Sunday[1])) + kHour;
}

}  // namespace

DurationMs OffsetAt(TimeMs now, DurationMs zone, SummerTime rule) {
  return zone + (rule != SummerTime::kNone && InSummer(now, zone, rule) ? kHour : 0);
}

TimeMs QuietUntil(const QuietPlan& plan, const double* registers, TimeMs now) {
  if (plan.from == plan.to) return now;
  DurationMs zone = plan.zone;
  // A null fails the comparison.
  if (plan.zone_register >= 0 && std::fabs(registers[plan.zone_register]) <= static_cast<double>(kLargestOffset)) {
    zone = static_cast<DurationMs>(registers[plan.zone_register]);
  }
  const auto offset_at = [&](TimeMs time) {
    return plan.place.changes.empty() ? OffsetAt(time, zone, plan.summer_time) : plan.place.OffsetAt(time);
  };
  const auto is_quiet = [&](TimeMs time) {
    const DurationMs clock = TimeOfDay(time + offset_at(time));
    return plan.from < plan.to ? clock >= plan.from && clock < plan.to : clock >= plan.from || clock < plan.to;
  };
  while (is_quiet(now)) {
    const DurationMs offset = offset_at(now);
    TimeMs end = now + TimeOfDay(plan.to - TimeOfDay(now + offset));
    if (offset_at(end) == offset) return end;
    // The clocks are changed in between, and the change may end the quiet hours, or lengthen them.
    while (end - now > 1) {
      const TimeMs middle = now + (end - now) / 2;
      (offset_at(middle) == offset ? now : end) = middle;
    }
    now = end;
  }
  return now;
}

}  // namespace ebb
