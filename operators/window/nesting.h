// Which windows may share tiles: those whose tiles divide one another and which always lie within one another.
#pragma once

#include "operators/plan.h"

namespace ebb {

// Whether of two windows with an end (length > 0) one tile divides the other, and the longer one always reaches back at
// least as far. With a finer tile it may not: 2d by whole days can begin before 2d1h by hours does.
inline bool Nest(const WindowPlan& a, const WindowPlan& b) {
  if (a.length > b.length) return Nest(b, a);
  if (a.tile % b.tile != 0 && b.tile % a.tile != 0) return false;
  return a.length == b.length || a.tile <= b.tile || b.length - a.length >= a.tile - b.tile;
}

}  // namespace ebb
