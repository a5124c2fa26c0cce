// Numbers as JSON and CSV write them, read once from their text into an exact form: digits, point, exponent. Nothing
// goes through a double, so money stays exact. JSON's grammar is strict; text (CSV cells, JSON strings) may also have a
// leading plus, leading zeros, and a point with digits on one side only.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/stream/reason.h"
#include "engine/stream/schema.h"

namespace ebb {

enum class NumberStyle : uint8_t { kJson, kText };

// A number's parts. `mantissa` holds all digits without the point while digits <= kExactDigits, and is unspecified
// beyond.
struct Number {
  static constexpr uint32_t kExactDigits = 18;
  uint64_t mantissa = 0;
  uint32_t digits = 0;    // before and after the point, leading zeros included
  uint32_t fraction = 0;  // after the point
  bool negative = false;
  bool point = false;
  bool exponent = false;
  std::string_view text;  // the whole number
};

inline bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }

// Reads the digits from `p` on and appends them to `*value`, modulo 2^64. Returns the first byte that is no digit, at
// most `end`. Fastest when 8 bytes that are no digits stand before `end`.
inline const char* ReadDigits(const char* p, const char* end, uint64_t* value) {
  constexpr uint64_t kScale[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  uint64_t sum = *value;
  while (end - p >= 8) {
    uint64_t chunk;
    std::memcpy(&chunk, p, 8);  // little-endian: the first digit in the lowest byte
    chunk ^= 0x3030303030303030u;
    const uint64_t others = (((chunk & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | chunk) & 0x8080808080808080u;
    const int digits = others == 0 ? 8 : __builtin_ctzll(others) >> 3;
    if (digits == 0) break;
    chunk <<= 64 - 8 * digits;  // zeros come in front
    chunk = chunk * 10 + (chunk >> 8);
    chunk = ((chunk & 0x000000FF000000FFu) * 0x000F424000000064u +
             ((chunk >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
            32;
    p += digits;
    if (digits < 8) {
      *value = sum * kScale[digits] + chunk;
      return p;
    }
    sum = sum * 100000000 + chunk;
  }
  for (; p != end && IsDigit(*p); ++p) sum = sum * 10 + static_cast<uint64_t>(*p - '0');
  *value = sum;
  return p;
}

// Reads the number that begins at `begin`. Returns the byte after it, at most `end`, or null if no number stands there.
inline const char* ScanNumber(const char* begin, const char* end, NumberStyle style, Number* out) {
  const char* p = begin;
  const bool negative = p != end && *p == '-';
  if (negative || (p != end && *p == '+' && style == NumberStyle::kText)) ++p;
  uint64_t mantissa = 0;
  const char* whole = p;
  p = ReadDigits(p, end, &mantissa);
  auto digits = static_cast<uint32_t>(p - whole);
  if (style == NumberStyle::kJson && (digits == 0 || (digits > 1 && *whole == '0'))) return nullptr;
  uint32_t fraction = 0;
  const bool point = p != end && *p == '.';
  if (point) {
    const char* first = ++p;
    p = ReadDigits(p, end, &mantissa);
    fraction = static_cast<uint32_t>(p - first);
    if (style == NumberStyle::kJson && fraction == 0) return nullptr;
    digits += fraction;
  }
  if (digits == 0) return nullptr;
  const bool exponent = p != end && (*p == 'e' || *p == 'E');
  if (exponent) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    const char* first = p;
    uint64_t ignored = 0;
    p = ReadDigits(p, end, &ignored);
    if (p == first) return nullptr;
  }
  *out = {.mantissa = mantissa,
          .digits = digits,
          .fraction = fraction,
          .negative = negative,
          .point = point,
          .exponent = exponent,
          .text = std::string_view(begin, static_cast<size_t>(p - begin))};
  return p;
}

// The number as an integer: kBadType when it has an exponent, a point (kJson) or a fraction that isn't all zeros
// (kText); kOutOfRange outside int64.
Reason NumberToInt(const Number& number, NumberStyle style, int64_t* value);

// The number times 10^decimals (0..9), exactly, then rounded half to even; kOutOfRange outside int64.
Reason NumberToDecimal(const Number& number, int decimals, int64_t* value);

// The number as an event time in `unit`, cut to milliseconds downwards. Only seconds may have a fraction (with kText
// the others may have one of zeros). kBadTime when it is no such number or the unit is kRfc3339, else kTimeOutOfRange.
Reason NumberToTime(const Number& number, TimeUnit unit, NumberStyle style, TimeMs* time);

}  // namespace ebb
