// Forms of a line, and its one write.
#include "serve/event_log.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "engine/observe/json_text.h"
#include "engine/stream/time.h"

namespace ebb {
namespace {

constexpr std::string_view kLevels[] = {"info", "warning", "error"};

// Whether the text can stand as it is behind a '='.
bool IsPlain(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127 && c != '"' && c != '='; });
}

}  // namespace

int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void LogValue::AppendPlain(std::string* out) const {
  if (const auto* number = std::get_if<int64_t>(&value_)) {
    fmt::format_to(std::back_inserter(*out), "{}", *number);
  } else if (const auto& text = std::get<std::string>(value_); IsPlain(text)) {
    *out += text;
  } else {
    AppendJsonString(text, out);
  }
}

void LogValue::AppendJson(std::string* out) const {
  if (const auto* number = std::get_if<int64_t>(&value_)) {
    AppendJsonNumber(*number, out);
  } else {
    AppendJsonString(std::get<std::string>(value_), out);
  }
}

std::string EventLog::Line(LogLevel level, std::string_view event, LogFields fields, int64_t wall_ms) const {
  const std::string_view name = kLevels[static_cast<int>(level)];
  const std::string time = FormatTime(wall_ms);
  std::string line = json_ ? fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"", time, name, event)
                           : fmt::format("{} {} {}", time, name, event);
  for (const auto& [key, value] : fields) {
    if (json_) {
      line += fmt::format(",\"{}\":", key);
      value.AppendJson(&line);
    } else {
      line += fmt::format(" {}=", key);
      value.AppendPlain(&line);
    }
  }
  return line + (json_ ? "}\n" : "\n");
}

void EventLog::Write(LogLevel level, std::string_view event, LogFields fields) const {
  const std::string line = Line(level, event, fields, WallMs());
  if (sink_) return sink_(level, line);
  // A log that can't be written must not stop the work.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ebb
