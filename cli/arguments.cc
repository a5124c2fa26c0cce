// Parsing with messages that show the right form.
#include "cli/arguments.h"

#include <fmt/format.h>

namespace ebb {

absl::StatusOr<std::pair<std::string, std::string>> ParseNamedPath(std::string_view option, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || text.find('/') < equals) return std::pair<std::string, std::string>("", text);
  if (equals == 0 || equals + 1 == text.size()) {
    return absl::InvalidArgumentError(fmt::format("{} {}: write NAME=PATH", option, text));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

absl::StatusOr<TimeMs> ParseInstant(std::string_view option, const std::string& text) {
  const std::optional<TimeMs> time = ParseTime(text);
  if (time) return *time;
  return absl::InvalidArgumentError(
      fmt::format("{} {}: write an instant, 2026-03-04T10:21:07Z or 2026-03-04 (its midnight, UTC)", option, text));
}

absl::StatusOr<DurationMs> ParseSpan(std::string_view option, const std::string& text) {
  const std::optional<DurationMs> duration = ParseDuration(text);
  if (duration) return *duration;
  return absl::InvalidArgumentError(
      fmt::format("{} {}: write a duration with its unit, as in 10s or 500ms", option, text));
}

}  // namespace ebb
