// Eight heights.
#include "cli/sparkline.h"

#include <algorithm>
#include <array>

#include "operators/feature/program.h"

namespace ebb {

std::string Sparkline(const std::vector<double>& values, bool utf8) {
  static constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> kAscii = {"_", ".", ":", "-", "=", "+", "*", "#"};
  double low = kNull;
  double high = kNull;
  for (double value : values) {
    if (IsNull(value)) continue;
    low = IsNull(low) ? value : std::min(low, value);
    high = IsNull(high) ? value : std::max(high, value);
  }
  std::string out;
  for (double value : values) {
    if (IsNull(value)) {
      out += ' ';
      continue;
    }
    // Halves, so that no difference is too large for a number.
    const double share = high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : (high == 0 ? 0 : 0.5);
    const size_t height = std::min<size_t>(7, static_cast<size_t>(share * 8));
    out += utf8 ? kBars[height] : kAscii[height];
  }
  return out;
}

}  // namespace ebb
