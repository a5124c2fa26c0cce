// Single values from texts; see scalar.h for the grammar of each.
#include "connectors/format/scalar.h"

#include <fmt/format.h>

#include "connectors/format/number.h"

namespace ebb {
namespace {

bool ScanWhole(std::string_view text, Number* number) {
  const char* end = text.data() + text.size();
  return ScanNumber(text.data(), end, NumberStyle::kText, number) == end;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// All bytes in 0x20..0x7E. May say no wrongly for texts below 8 bytes.
bool IsPrintableAscii(std::string_view text) {
  if (text.size() < 8) return false;
  constexpr uint64_t kHigh = 0x8080808080808080u;
  const auto printable = [&](size_t at) {
    uint64_t chunk;
    std::memcpy(&chunk, text.data() + at, 8);
    return ((chunk | (chunk - 0x2020202020202020u) | (chunk + 0x0101010101010101u)) & kHigh) == 0;
  };
  for (size_t at = 0; at + 8 <= text.size(); at += 8) {
    if (!printable(at)) return false;
  }
  return printable(text.size() - 8);
}

std::string Suspicion(std::string_view text, std::string_view looks_like, TimeMs time, TimeUnit declared) {
  return fmt::format("{} looks like {} ({}), but the declared unit is {}", text, looks_like, FormatTime(time),
                     TimeUnitName(declared));
}

}  // namespace

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Reason IntFromText(std::string_view text, int64_t* value) {
  Number number;
  if (!ScanWhole(text, &number)) return Reason::kBadType;
  return NumberToInt(number, NumberStyle::kText, value);
}

Reason DecimalFromText(std::string_view text, int decimals, int64_t* value) {
  Number number;
  if (!ScanWhole(text, &number)) return Reason::kBadType;
  return NumberToDecimal(number, decimals, value);
}

Reason BoolFromText(std::string_view text, int64_t* value) {
  for (const std::string_view word : {"true", "1", "yes"}) {
    if (EqualsIgnoringCase(text, word)) {
      *value = 1;
      return Reason::kNone;
    }
  }
  for (const std::string_view word : {"false", "0", "no"}) {
    if (EqualsIgnoringCase(text, word)) {
      *value = 0;
      return Reason::kNone;
    }
  }
  return Reason::kBadType;
}

Reason TimeFromText(std::string_view text, TimeUnit unit, TimeMs* time) {
  if (unit == TimeUnit::kRfc3339) {
    const std::optional<TimeMs> parsed = ParseTime(text);
    if (!parsed.has_value()) return Reason::kBadTime;
    if (*parsed < kEarliestTime || *parsed >= kLatestTime) return Reason::kTimeOutOfRange;
    *time = *parsed;
    return Reason::kNone;
  }
  Number number;
  if (!ScanWhole(text, &number)) return Reason::kBadTime;
  return NumberToTime(number, unit, NumberStyle::kText, time);
}

Reason FieldTimeFromText(std::string_view text, TimeUnit unit, TimeMs* time) {
  if (const std::optional<TimeMs> parsed = ParseTime(text)) {
    if (*parsed < kEarliestFieldTime || *parsed >= kLatestFieldTime) return Reason::kOutOfRange;
    *time = *parsed;
    return Reason::kNone;
  }
  Number number;
  if (!ScanWhole(text, &number)) return Reason::kBadType;
  return FieldTimeFromNumber(number, unit, NumberStyle::kText, time);
}

Reason FieldTimeFromNumber(const Number& number, TimeUnit unit, NumberStyle style, TimeMs* time) {
  if (unit == TimeUnit::kRfc3339) return Reason::kBadType;
  int64_t value = 0;
  const Reason reason =
      unit == TimeUnit::kSeconds ? NumberToDecimal(number, 3, &value) : NumberToInt(number, style, &value);
  if (reason != Reason::kNone) return reason;
  if (unit == TimeUnit::kMicros) value = FloorDiv(value, 1000);
  if (value < kEarliestFieldTime || value >= kLatestFieldTime) return Reason::kOutOfRange;
  *time = value;
  return Reason::kNone;
}

Reason CheckKey(std::string_view key) {
  if (key.empty()) return Reason::kMissingKey;
  if (key.size() > static_cast<size_t>(kMaxKeyBytes)) return Reason::kBadKey;
  if (IsPrintableAscii(key)) [[likely]]
    return Reason::kNone;
  for (size_t i = 0; i < key.size(); ++i) {
    const auto c = static_cast<unsigned char>(key[i]);
    if (c < 0x20 || c == 0x7F) return Reason::kBadKey;
    const bool c1 = c == 0xC2 && i + 1 < key.size() && static_cast<unsigned char>(key[i + 1]) < 0xA0;
    if (c1) return Reason::kBadKey;
  }
  return Reason::kNone;
}

Reason TakeKey(std::string_view key, bool is_int, RecordBuilder* out) {
  if (is_int && !key.empty()) {
    size_t digits = key.find('.');
    if (digits != std::string_view::npos && key.find_first_not_of('0', digits + 1) != std::string_view::npos) {
      return Reason::kBadKey;
    }
    key = key.substr(0, digits);
    const bool negative = !key.empty() && key.front() == '-';
    if (key.size() == negative || key.find_first_not_of("0123456789", negative) != std::string_view::npos) {
      return Reason::kBadKey;
    }
    while (!negative && key.size() > 1 && key.front() == '0') key.remove_prefix(1);
  }
  const Reason reason = CheckKey(key);
  if (reason == Reason::kNone) out->SetKey(key);
  return reason;
}

std::optional<std::string> SuspiciousUnit(TimeUnit declared, std::string_view raw_time_text) {
  std::string_view text = Trim(raw_time_text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  TimeMs time = 0;
  if (TimeFromText(text, declared, &time) == Reason::kNone) return std::nullopt;
  const std::string_view whole = text.substr(0, text.find('.'));
  if (declared != TimeUnit::kRfc3339 && TimeFromText(text, TimeUnit::kRfc3339, &time) == Reason::kNone) {
    return Suspicion(text, "a date", time, declared);
  }
  if (TimeFromText(whole, TimeUnit::kSeconds, &time) == Reason::kNone) {
    return Suspicion(text, "seconds", time, declared);
  }
  if (TimeFromText(whole, TimeUnit::kMillis, &time) == Reason::kNone) {
    return Suspicion(text, "milliseconds", time, declared);
  }
  if (TimeFromText(whole, TimeUnit::kMicros, &time) == Reason::kNone) {
    return Suspicion(text, "microseconds", time, declared);
  }
  if (whole.size() > 3 && TimeFromText(whole.substr(0, whole.size() - 3), TimeUnit::kMicros, &time) == Reason::kNone) {
    return Suspicion(text, "nanoseconds, which no unit stands for", time, declared);
  }
  return std::nullopt;
}

}  // namespace ebb
