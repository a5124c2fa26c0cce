// What min, max, first and last share: two cells, of which the first says whether (or when) the second was set.
#pragma once

#include <limits>

#include "operators/aggregate/aggregate.h"

namespace ebb {

// Cells: 1 when there is a value, the value.
inline double LowerExtreme(const int64_t* cells, double unit) {
  return cells[0] == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(cells[1]) / unit;
}

}  // namespace ebb
