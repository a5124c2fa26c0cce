// Lines to the letter, in both forms.
#include "serve/event_log.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

constexpr int64_t kAt = 1767348000123;

TEST(EventLogTest, ALineIsReadByEye) {
  EXPECT_EQ(
      EventLog(false).Line(LogLevel::kWarning, "task_restart", {{"task", 3}, {"reason", "broker away: x=1"}}, kAt),
      "2026-01-02T10:00:00.123Z warning task_restart task=3 reason=\"broker away: x=1\"\n");
}

TEST(EventLogTest, ALineIsReadByMachines) {
  EXPECT_EQ(EventLog(true).Line(LogLevel::kInfo, "task_live", {{"task", 3}, {"why", "a \"b\"\n"}}, kAt),
            "{\"time\":\"2026-01-02T10:00:00.123Z\",\"level\":\"info\",\"event\":\"task_live\",\"task\":3,"
            "\"why\":\"a \\\"b\\\"\\n\"}\n");
}

TEST(EventLogTest, TextThatWouldBreakTheLineIsQuoted) {
  for (const char* text : {"", "two words", "a=b", "\"", "line\nend", "\xff"}) {
    const std::string line = EventLog(false).Line(LogLevel::kInfo, "x", {{"a", text}}, kAt);
    EXPECT_NE(line.find(" a=\""), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  }
}

}  // namespace
}  // namespace ebb
