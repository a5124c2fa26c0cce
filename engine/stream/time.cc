// Civil dates by Howard Hinnant's days_from_civil (public domain description, "chrono-Compatible Low-Level Date
// Algorithms"), and durations in units.
#include "engine/stream/time.h"

#include <array>

#include <fmt/format.h>

namespace ebb {
namespace {

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = FloorDiv(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct Civil {
  int64_t year;
  int month, day;
};

Civil CivilFromDays(int64_t days) {
  days += 719468;
  int64_t era = FloorDiv(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int shifted_month = static_cast<int>((5 * day_of_year + 2) / 153);
  int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {year_of_era + era * 400 + (month <= 2), month, day};
}

int DaysInMonth(int64_t year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Reads exactly `digits` digits; moves `text` past them.
bool ReadDigits(std::string_view* text, int digits, int* value) {
  if (text->size() < static_cast<size_t>(digits)) return false;
  *value = 0;
  for (int i = 0; i < digits; ++i) {
    char c = (*text)[i];
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  text->remove_prefix(digits);
  return true;
}

bool ReadChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// "HH:MM", "HH:MM:SS" with 0 to 9 fraction digits; milliseconds since midnight.
bool ReadClock(std::string_view* text, int64_t* millis) {
  int hour, minute, second = 0;
  if (!ReadDigits(text, 2, &hour) || !ReadChar(text, ':') || !ReadDigits(text, 2, &minute)) return false;
  int64_t fraction = 0;
  if (ReadChar(text, ':')) {
    if (!ReadDigits(text, 2, &second)) return false;
    if (ReadChar(text, '.')) {
      int digits = 0;
      for (int digit; ReadDigits(text, 1, &digit); ++digits) {
        if (digits < 3) fraction = fraction * 10 + digit;
      }
      if (digits == 0 || digits > 9) return false;
      for (; digits < 3; ++digits) fraction *= 10;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  *millis = hour * kHour + minute * kMinute + second * kSecond + fraction;
  return true;
}

// "Z", "+02:00", "-0530", or nothing (UTC); milliseconds to subtract.
bool ReadZone(std::string_view text, int64_t* offset) {
  *offset = 0;
  if (text.empty() || text == "Z" || text == "z") return true;
  int sign = text.front() == '-' ? -1 : 1;
  if (text.front() != '+' && text.front() != '-') return false;
  text.remove_prefix(1);
  int hours, minutes = 0;
  if (!ReadDigits(&text, 2, &hours)) return false;
  if (!text.empty()) {
    ReadChar(&text, ':');
    if (!ReadDigits(&text, 2, &minutes)) return false;
  }
  *offset = sign * (hours * kHour + minutes * kMinute);
  return text.empty() && hours <= 23 && minutes <= 59;
}

struct Unit {
  const char* name;
  DurationMs length;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"ms", 1}, {"s", kSecond}, {"m", kMinute}, {"h", kHour}, {"d", kDay}, {"w", 7 * kDay}}};
constexpr DurationMs kLongestDuration = 365250 * kDay;

}  // namespace

std::string FormatTime(TimeMs time) {
  if (time <= kBeforeTime) return "never";
  int64_t days = FloorDiv(time, kDay);
  int64_t rest = time - days * kDay;
  Civil date = CivilFromDays(days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", date.year, date.month, date.day, rest / kHour,
                     rest % kHour / kMinute, rest % kMinute / kSecond, rest % kSecond);
}

std::optional<TimeMs> ParseTime(std::string_view text) {
  int year, month, day;
  if (!ReadDigits(&text, 4, &year) || !ReadChar(&text, '-') || !ReadDigits(&text, 2, &month) || !ReadChar(&text, '-') ||
      !ReadDigits(&text, 2, &day)) {
    return std::nullopt;
  }
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  int64_t time = DaysFromCivil(year, month, day) * kDay;
  if (text.empty()) return time;
  if (!ReadChar(&text, 'T') && !ReadChar(&text, 't') && !ReadChar(&text, ' ')) return std::nullopt;
  int64_t clock, zone;
  if (!ReadClock(&text, &clock) || !ReadZone(text, &zone)) return std::nullopt;
  return time + clock - zone;
}

std::string FormatDuration(DurationMs duration) {
  if (duration == 0) return "0s";
  std::string text = duration < 0 ? "-" : "";
  uint64_t rest = duration < 0 ? 0 - static_cast<uint64_t>(duration) : static_cast<uint64_t>(duration);
  for (int i = 4; i >= 0; --i) {
    uint64_t length = static_cast<uint64_t>(kUnits[i].length);
    if (rest / length != 0) text += fmt::format("{}{}", rest / length, kUnits[i].name);
    rest %= length;
  }
  return text;
}

std::optional<DurationMs> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  DurationMs total = 0;
  while (!text.empty()) {
    // value / scale, in thousandths at most of a unit: kept as integers, so that 1.5h is exact.
    int64_t value = 0, scale = 1;
    size_t i = 0;
    bool point = false, digit_seen = false;
    for (; i < text.size() && ((text[i] >= '0' && text[i] <= '9') || (text[i] == '.' && !point)); ++i) {
      if (text[i] == '.') {
        point = true;
        continue;
      }
      if (value > 1'000'000'000'000 || scale > 1'000'000) return std::nullopt;
      digit_seen = true;
      value = value * 10 + (text[i] - '0');
      if (point) scale *= 10;
    }
    if (!digit_seen) return std::nullopt;
    text.remove_prefix(i);
    size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (text.substr(0, letters) == candidate.name) unit = &candidate;
    }
    if (unit == nullptr || value > kLongestDuration / unit->length * scale) return std::nullopt;
    const __int128_t product = static_cast<__int128_t>(value) * unit->length;  // may pass 64 bits before the division
    if (product % scale != 0) return std::nullopt;
    total += static_cast<DurationMs>(product / scale);
    if (total > kLongestDuration) return std::nullopt;
    text.remove_prefix(letters);
  }
  return total;
}

}  // namespace ebb
