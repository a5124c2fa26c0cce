// quantile: the value of rank ceil(q * n) of n values in ascending order; null without values. In tiles the values are
// counted in bins whose width grows with the value, 32 to each power of two, as in HdrHistogram (Tene) and DDSketch
// (Masson, Rim, Lee, VLDB 2019): a bin is an integer counter, so tiles leave exactly, and the answer is within 1/64 of
// the value of that rank. Values below 64 units have a bin each.
#include <algorithm>
#include <bit>
#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

constexpr int kBinBits = 6;

// The middle of the value's bin.
int64_t Middle(int64_t value) {
  const uint64_t largest = std::numeric_limits<int64_t>::max();
  const uint64_t magnitude =
      std::min(value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), largest);
  const int width = static_cast<int>(std::bit_width(magnitude));
  if (width <= kBinBits) return value;
  const int shift = width - kBinBits;
  const auto middle = static_cast<int64_t>((magnitude >> shift << shift) + (uint64_t{1} << (shift - 1)) - 1);
  return value < 0 ? -middle : middle;
}

}  // namespace

const Aggregate kQuantileAggregate = {
    .name = "quantile",
    .meaning = "the value of rank ceil(`q` * number), within 1.6 %; over events exactly; null without values",
    .shape = AggregateShape::kTally,
    .options = kTakesQuantile,
    .error = "within 1.6% of the value; exact over events",
    .item = Middle,
    .of_items =
        [](std::span<ItemCount> items, const AggregateOptions& options, double unit) {
          int64_t number = 0;
          for (const ItemCount& item : items) number += item.count;
          const int64_t rank = std::max<int64_t>(1, (options.quantile * number + 999'999) / 1'000'000);
          int64_t reached = 0;
          for (const ItemCount& item : items) {
            reached += item.count;
            if (reached >= rank) return static_cast<double>(item.item) / unit;
          }
          return std::numeric_limits<double>::quiet_NaN();
        },
};

}  // namespace ebb
