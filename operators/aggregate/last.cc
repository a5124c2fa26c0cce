// last: the field's value in the latest event; of two with the same time, the one that was processed last. Cells: time,
// value.
#include "operators/aggregate/extreme.h"

namespace ebb {
namespace {

void TakeLater(int64_t* cells, TimeMs time, int64_t value) {
  if (cells[0] != 0 && !(time >= cells[0])) return;
  cells[0] = time;
  cells[1] = value;
}

}  // namespace

const Aggregate kLastAggregate = {
    .name = "last",
    .meaning = "value of the latest event; of two at the same time, the one processed last",
    .words = 2,
    .lift = [](int64_t* cells, int64_t value, TimeMs time, DurationMs) { TakeLater(cells, time, value); },
    .combine =
        [](int64_t* into, const int64_t* other) {
          if (other[0] != 0) TakeLater(into, other[0], other[1]);
        },
    .lower = LowerExtreme,
};

}  // namespace ebb
