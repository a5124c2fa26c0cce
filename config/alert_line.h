// Reading back the lines that alerts are written as, for those who look at what a job has said.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/stream/time.h"

namespace ebb {

// What people ask of an alert. Immutable after construction.
struct AlertLine {
  std::string rule, customer, status, severity;
  TimeMs event_time = 0;
  std::vector<std::string> reasons;                     // codes, the weightiest first
  double score = 0;                                     // 0 without one
  bool held_out = false;                                // its customer belongs to the holdout
  std::optional<double> expected_value = std::nullopt;  // of its action
};

// One line of the streams alerts and shadow, without its end. Internal when it isn't one.
absl::StatusOr<AlertLine> ParseAlertLine(std::string_view line);
// All lines of a text.
absl::StatusOr<std::vector<AlertLine>> ParseAlertLines(std::string_view text);

}  // namespace ebb
