// decayed_sum: a total in which an event weighs half as much after each half-life. Forward decay (Cormode, Shkapenyuk,
// Srivastava, Xu, ICDE 2009): the cells hold the total as of the newest event; an event that comes late is added with
// the weight of its own age, so that the order of arrival matters in the last bits only. Cells: time of the total, its
// bits.
#include <bit>
#include <limits>

#include "engine/base/math.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

// 2^-(age / half_life); age >= 0.
double Weight(DurationMs age, DurationMs half_life) {
  return PortableExp2(-(static_cast<double>(age) / static_cast<double>(half_life)));
}

}  // namespace

const Aggregate kDecayedSumAggregate = {
    .name = "decayed_sum",
    .meaning = "total in which an event counts half after each `half_life`",
    .shape = AggregateShape::kPoint,
    .options = kTakesHalfLife,
    .words = 2,
    .error = "rounding of doubles",
    .lift =
        [](int64_t* cells, int64_t value, TimeMs time, DurationMs half_life) {
          double total = std::bit_cast<double>(cells[1]);
          if (cells[0] == 0) {
            total = static_cast<double>(value);
            cells[0] = time;
          } else if (time >= cells[0]) {
            total = total * Weight(time - cells[0], half_life) + static_cast<double>(value);
            cells[0] = time;
          } else {
            total = total + static_cast<double>(value) * Weight(cells[0] - time, half_life);
          }
          cells[1] = std::bit_cast<int64_t>(total);
        },
    .read =
        [](const int64_t* cells, TimeMs now, double unit, DurationMs half_life) {
          if (cells[0] == 0) return std::numeric_limits<double>::quiet_NaN();
          return std::bit_cast<double>(cells[1]) * Weight(now - cells[0], half_life) / unit;
        },
};

}  // namespace ebb
