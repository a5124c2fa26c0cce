// Durations are kept in milliseconds and shown in units.
#include "config/value_text.h"

#include <cmath>

#include <fmt/format.h>

#include "engine/stream/time.h"

namespace ebb {

std::string ValueText(const FeatureName* feature, double value) {
  constexpr double kLongest = 1e15;  // ms; FormatDuration takes every whole number below
  if (IsNull(value)) return "null";
  if (feature == nullptr) return fmt::format("{}", value);
  if (feature->is_bool) return value == 1 ? "true" : "false";
  if (!feature->is_duration) return fmt::format("{}", value);
  if (!(value >= 0 && value < kLongest)) return fmt::format("{}ms", value);
  const double whole = std::floor(value);
  const std::string text = FormatDuration(static_cast<DurationMs>(whole));
  return whole == value ? text : fmt::format("{} ({}ms)", text, value);
}

}  // namespace ebb
