// The values of options as people write them: NAME=PATH, times, durations, numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/stream/time.h"

namespace ebb {

// "lines=data/lines.csv" as {"lines", "data/lines.csv"}; the name is empty when there is no '=' or a '/' stands before
// it. InvalidArgument, with the option's name, when the name or the path is empty beside a '='.
absl::StatusOr<std::pair<std::string, std::string>> ParseNamedPath(std::string_view option, const std::string& text);

// An instant: RFC 3339, or a date alone, which is its midnight (UTC). InvalidArgument names the option.
absl::StatusOr<TimeMs> ParseInstant(std::string_view option, const std::string& text);

// "10s", "500ms". InvalidArgument names the option.
absl::StatusOr<DurationMs> ParseSpan(std::string_view option, const std::string& text);

}  // namespace ebb
