// Event time and durations: signed 64-bit milliseconds, event time since 1970-01-01T00:00:00Z. Formatting and parsing
// of both as people write them. No wall clock is read here or anywhere in the state and alert path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ebb {

using TimeMs = int64_t;
using DurationMs = int64_t;

inline constexpr DurationMs kSecond = 1000;
inline constexpr DurationMs kMinute = 60 * kSecond;
inline constexpr DurationMs kHour = 60 * kMinute;
inline constexpr DurationMs kDay = 24 * kHour;

// Below and above every event time that can occur; far enough from the ends of int64 that adding durations is safe.
inline constexpr TimeMs kBeforeTime = INT64_MIN / 4;
inline constexpr TimeMs kAfterTime = INT64_MAX / 4;

// A record's time must lie in [kEarliestTime, kLatestTime): 1980-01-01 to 2200-01-01.
inline constexpr TimeMs kEarliestTime = 315532800000;
inline constexpr TimeMs kLatestTime = 7258118400000;

// A field's time may be any that RFC 3339 can write: the years 0 to 9999, as in "9999-12-31" for no end.
inline constexpr TimeMs kEarliestFieldTime = -62167219200000;
inline constexpr TimeMs kLatestFieldTime = 253402300800000;

// "2026-03-04T10:21:07.000Z", always UTC with milliseconds; "never" for kBeforeTime.
std::string FormatTime(TimeMs time);
// RFC 3339 ("2026-03-04T10:21:07Z", offsets, 0 to 9 fraction digits, space or T), also without an offset (read as UTC),
// without seconds, or a date alone (midnight UTC). Empty when it is none of these.
std::optional<TimeMs> ParseTime(std::string_view text);

// "7d", "1h30m", "250ms", "0s": the largest units first, exact.
std::string FormatDuration(DurationMs duration);
// One or more <number><unit> with units ms, s, m, h, d, w, largest first or not, as in "1h30m" or "1.5h"; a sign is not
// allowed. Empty when the unit is missing, the text is anything else, or the value passes 1000 years.
std::optional<DurationMs> ParseDuration(std::string_view text);

// floor(a / b) for b > 0, also for negative a.
constexpr int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace ebb
