// max: the largest value of a field.
#include "operators/aggregate/extreme.h"

namespace ebb {
namespace {

void TakeLarger(int64_t* cells, int64_t value) {
  if (cells[0] == 0 || value > cells[1]) cells[1] = value;
  cells[0] = 1;
}

}  // namespace

const Aggregate kMaxAggregate = {
    .name = "max",
    .meaning = "largest; null without events",
    .words = 2,
    .lift = [](int64_t* cells, int64_t value, TimeMs, DurationMs) { TakeLarger(cells, value); },
    .combine =
        [](int64_t* into, const int64_t* other) {
          if (other[0] != 0) TakeLarger(into, other[1]);
        },
    .lower = LowerExtreme,
};

}  // namespace ebb
