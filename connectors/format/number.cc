// Exact values of scanned numbers. The common case, up to 18 digits and no exponent, is integer arithmetic; any other
// number is placed digit by digit.
#include "connectors/format/number.h"

#include <algorithm>
#include <string>

namespace ebb {
namespace {

constexpr uint64_t kPowerOfTen[19] = {1ull,
                                      10ull,
                                      100ull,
                                      1000ull,
                                      10000ull,
                                      100000ull,
                                      1000000ull,
                                      10000000ull,
                                      100000000ull,
                                      1000000000ull,
                                      10000000000ull,
                                      100000000000ull,
                                      1000000000000ull,
                                      10000000000000ull,
                                      100000000000000ull,
                                      1000000000000000ull,
                                      10000000000000000ull,
                                      100000000000000000ull,
                                      1000000000000000000ull};

// Exponents beyond this are as good as infinite: a record has fewer digits.
constexpr int64_t kMaxExponent = int64_t{1} << 40;

Reason Signed(bool negative, unsigned __int128 magnitude, int64_t* value) {
  const unsigned __int128 limit = (static_cast<unsigned __int128>(1) << 63) - (negative ? 0 : 1);
  if (magnitude > limit) return Reason::kOutOfRange;
  const uint64_t bits = static_cast<uint64_t>(magnitude);
  *value = static_cast<int64_t>(negative ? 0 - bits : bits);
  return Reason::kNone;
}

// What stands after the kept digits, compared with a half: says whether to round up to the even neighbour.
bool RoundsUp(std::string_view dropped, bool odd) {
  if (dropped.empty() || dropped[0] < '5') return false;
  if (dropped[0] > '5' || dropped.find_first_not_of('0', 1) != std::string_view::npos) return true;
  return odd;
}

// The digits, with the point and leading zeros taken out, and the power of ten of the last of them.
struct Digits {
  std::string text;
  int64_t power = 0;
};

Digits AllDigits(const Number& number) {
  Digits result;
  size_t i = 0;
  while (i < number.text.size() && number.text[i] != 'e' && number.text[i] != 'E') {
    const char c = number.text[i++];
    if (IsDigit(c) && !(c == '0' && result.text.empty())) result.text.push_back(c);
  }
  int64_t exponent = 0;
  bool negative = false;
  for (++i; i < number.text.size(); ++i) {
    if (number.text[i] == '-') negative = true;
    if (IsDigit(number.text[i])) exponent = std::min(exponent * 10 + (number.text[i] - '0'), kMaxExponent);
  }
  result.power = (negative ? -exponent : exponent) - static_cast<int64_t>(number.fraction);
  return result;
}

// number * 10^scale, rounded half to even.
Reason PlaceDigits(const Number& number, int scale, int64_t* value) {
  const Digits digits = AllDigits(number);
  *value = 0;
  if (digits.text.empty()) return Reason::kNone;
  const int64_t kept = static_cast<int64_t>(digits.text.size()) + digits.power + scale;
  if (kept < 0) return Reason::kNone;
  if (kept > 19) return Reason::kOutOfRange;
  unsigned __int128 magnitude = 0;
  for (int64_t i = 0; i < kept; ++i) {
    const bool written = i < static_cast<int64_t>(digits.text.size());
    magnitude = magnitude * 10 + (written ? digits.text[static_cast<size_t>(i)] - '0' : 0);
  }
  if (kept < static_cast<int64_t>(digits.text.size())) {
    const std::string_view dropped = std::string_view(digits.text).substr(static_cast<size_t>(kept));
    if (RoundsUp(dropped, (magnitude & 1) != 0)) ++magnitude;
  }
  return Signed(number.negative, magnitude, value);
}

bool FractionIsZero(const Number& number) {
  const size_t point = number.text.find('.');
  return point == std::string_view::npos || number.text.find_first_not_of('0', point + 1) == std::string_view::npos;
}

Reason InRange(int64_t time_ms, TimeMs* time) {
  if (time_ms < kEarliestTime || time_ms >= kLatestTime) return Reason::kTimeOutOfRange;
  *time = time_ms;
  return Reason::kNone;
}

}  // namespace

Reason NumberToInt(const Number& number, NumberStyle style, int64_t* value) {
  if (number.exponent) return Reason::kBadType;
  if (number.point && (style == NumberStyle::kJson || !FractionIsZero(number))) return Reason::kBadType;
  if (number.fraction > 0 || number.digits > Number::kExactDigits) return PlaceDigits(number, 0, value);
  *value = number.negative ? -static_cast<int64_t>(number.mantissa) : static_cast<int64_t>(number.mantissa);
  return Reason::kNone;
}

Reason NumberToDecimal(const Number& number, int decimals, int64_t* value) {
  if (number.exponent || number.digits > Number::kExactDigits) return PlaceDigits(number, decimals, value);
  const int dropped = static_cast<int>(number.fraction) - decimals;
  if (dropped <= 0) {
    return Signed(number.negative, static_cast<unsigned __int128>(number.mantissa) * kPowerOfTen[-dropped], value);
  }
  const uint64_t unit = kPowerOfTen[dropped];
  uint64_t magnitude = number.mantissa / unit;
  const uint64_t rest = number.mantissa % unit;
  if (rest > unit / 2 || (rest == unit / 2 && (magnitude & 1) != 0)) ++magnitude;
  return Signed(number.negative, magnitude, value);
}

Reason NumberToTime(const Number& number, TimeUnit unit, NumberStyle style, TimeMs* time) {
  if (number.exponent || unit == TimeUnit::kRfc3339) return Reason::kBadTime;
  if (unit != TimeUnit::kSeconds) {
    int64_t value = 0;
    const Reason reason = NumberToInt(number, style, &value);
    if (reason == Reason::kBadType) return Reason::kBadTime;
    if (reason != Reason::kNone) return Reason::kTimeOutOfRange;
    return InRange(unit == TimeUnit::kMicros ? FloorDiv(value, 1000) : value, time);
  }
  if (number.negative) return Reason::kTimeOutOfRange;
  uint64_t whole = 0;
  const char* begin = number.text.data() + (number.text[0] == '+' ? 1 : 0);
  const char* end = number.text.data() + number.text.size();
  const char* p = ReadDigits(begin, end, &whole);
  if (p - begin > Number::kExactDigits || whole >= static_cast<uint64_t>(kLatestTime)) return Reason::kTimeOutOfRange;
  int64_t millis = static_cast<int64_t>(whole) * 1000;
  if (p != end) ++p;  // the point
  for (int64_t unit_ms = 100; p != end && unit_ms > 0; ++p, unit_ms /= 10) millis += (*p - '0') * unit_ms;
  return InRange(millis, time);
}

}  // namespace ebb
