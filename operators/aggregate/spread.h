// The sample standard deviation from exact integers: sqrt((n * sum of squares - sum^2) / (n * (n - 1))). The numerator
// is an integer, so nothing cancels; it fits as long as the sum of absolute values fits into 63 bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace ebb {

inline __uint128_t Square(int64_t value) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return static_cast<__uint128_t>(magnitude) * magnitude;
}

// n >= 2.
inline double SampleSpread(int64_t n, int64_t sum, __uint128_t squares) {
  const __uint128_t numerator = static_cast<__uint128_t>(n) * squares - Square(sum);
  return std::sqrt(static_cast<double>(numerator) / (static_cast<double>(n) * static_cast<double>(n - 1)));
}

struct Moments {
  double mean, spread;
};

// At least two values.
inline Moments MomentsOf(std::span<const int64_t> values) {
  int64_t sum = 0;
  __uint128_t squares = 0;
  for (int64_t value : values) {
    sum += value;
    squares += Square(value);
  }
  const auto n = static_cast<int64_t>(values.size());
  return {static_cast<double>(sum) / static_cast<double>(n), SampleSpread(n, sum, squares)};
}

}  // namespace ebb
