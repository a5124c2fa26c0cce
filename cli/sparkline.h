// A row of numbers as a row of little bars.
#pragma once

#include <string>
#include <vector>

namespace ebb {

// One character for each value, between the smallest and the largest of them; a space for a null. Where all are equal,
// bars are of middle height, and the lowest for zeros.
std::string Sparkline(const std::vector<double>& values, bool utf8);

}  // namespace ebb
