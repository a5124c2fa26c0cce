// stddev: the sample standard deviation of a field (divisor n - 1), null below two values. From the power sums kept as
// integers, so that tiles leave without a trace (see Chan, Golub, LeVeque, The American Statistician 37, 1983, on what
// the textbook formula loses in doubles). Cells: number, total, and the sum of squares in three digits of 42 bits,
// which hold two million events.
#include <limits>

#include "operators/aggregate/aggregate.h"
#include "operators/aggregate/spread.h"

namespace ebb {
namespace {

constexpr int kDigit = 42;
constexpr uint64_t kMask = (uint64_t{1} << kDigit) - 1;

}  // namespace

const Aggregate kStddevAggregate = {
    .name = "stddev",
    .meaning = "sample standard deviation; null below two values",
    .additive = true,
    .words = 5,
    .error = "exact for 2 million events",
    .lift =
        [](int64_t* cells, int64_t value, TimeMs, DurationMs) {
          const __uint128_t square = Square(value);
          cells[0] += 1;
          cells[1] += value;
          cells[2] += static_cast<int64_t>(static_cast<uint64_t>(square) & kMask);
          cells[3] += static_cast<int64_t>(static_cast<uint64_t>(square >> kDigit) & kMask);
          cells[4] += static_cast<int64_t>(square >> (2 * kDigit));
        },
    .lower =
        [](const int64_t* cells, double unit) {
          if (cells[0] < 2) return std::numeric_limits<double>::quiet_NaN();
          const __uint128_t squares = static_cast<__uint128_t>(cells[2]) +
                                      (static_cast<__uint128_t>(cells[3]) << kDigit) +
                                      (static_cast<__uint128_t>(cells[4]) << (2 * kDigit));
          return SampleSpread(cells[0], cells[1], squares) / unit;
        },
};

}  // namespace ebb
