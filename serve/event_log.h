// The log of a service: one line per fact on standard error, for people and for collectors of logs.
//
//   2026-01-02T10:00:00.123Z info task_live task=3 epoch=812
//   {"time":"2026-01-02T10:00:00.123Z","level":"info","event":"task_live","task":3,"epoch":812}
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"

namespace ebb {

enum class LogLevel : uint8_t { kInfo, kWarning, kError };

// A number, a text or a failure's message, as a value of a line. Immutable after construction.
class LogValue {
 public:
  template <std::integral T>
  LogValue(T number) : value_(static_cast<int64_t>(number)) {}
  LogValue(std::string_view text) : value_(std::string(text)) {}
  LogValue(const std::string& text) : value_(text) {}
  LogValue(const char* text) : value_(std::string(text)) {}
  LogValue(const absl::Status& status) : value_(std::string(status.message())) {}

  void AppendPlain(std::string* out) const;
  void AppendJson(std::string* out) const;

 private:
  std::variant<int64_t, std::string> value_;
};

using LogFields = std::initializer_list<std::pair<std::string_view, LogValue>>;

// Each line is one write. Thread-safe.
class EventLog {
 public:
  using Sink = std::function<void(LogLevel, const std::string& line)>;

  // Lines go to standard error, or to the sink, which is called from any thread.
  explicit EventLog(bool json, Sink sink = {}) : json_(json), sink_(std::move(sink)) {}

  void Info(std::string_view event, LogFields fields = {}) const { Write(LogLevel::kInfo, event, fields); }
  void Warn(std::string_view event, LogFields fields = {}) const { Write(LogLevel::kWarning, event, fields); }
  void Error(std::string_view event, LogFields fields = {}) const { Write(LogLevel::kError, event, fields); }
  // The line as Write puts it out, at this wall clock.
  std::string Line(LogLevel level, std::string_view event, LogFields fields, int64_t wall_ms) const;

 private:
  void Write(LogLevel level, std::string_view event, LogFields fields) const;

  const bool json_;
  const Sink sink_;
};

// Milliseconds since 1970, UTC.
int64_t WallMs();

}  // namespace ebb
