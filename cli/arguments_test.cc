// Tables of option values, good and bad.
#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/terminal.h"

namespace ebb {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(NamedPath, SplitsAtTheFirstEqualsSign) {
  const struct {
    const char* text;
    const char* name;
    const char* path;
  } kCases[] = {{"lines=a.csv", "lines", "a.csv"},
                {"lines=dir/x=1/a.csv", "lines", "dir/x=1/a.csv"},
                {"a.csv", "", "a.csv"},
                {"./day=1/a.csv", "", "./day=1/a.csv"},
                {"-", "", "-"},
                {"lines=-", "lines", "-"}};
  for (const auto& c : kCases) {
    const auto parsed = ParseNamedPath("--input", c.text);
    ASSERT_TRUE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed->first, c.name) << c.text;
    EXPECT_EQ(parsed->second, c.path) << c.text;
  }
  for (const char* text : {"=a.csv", "lines=", "="}) {
    EXPECT_THAT(Message(ParseNamedPath("--input", text).status()), HasSubstr("--input")) << text;
  }
}

TEST(Instant, IsATimeOrAMidnight) {
  EXPECT_EQ(*ParseInstant("--to", "2026-01-02"), 1767312000000);
  EXPECT_EQ(*ParseInstant("--to", "2026-01-02T01:00:00+01:00"), 1767312000000);
  for (const char* text : {"", "yesterday", "2026-13-01", "12:00"}) {
    EXPECT_THAT(Message(ParseInstant("--to", text).status()), HasSubstr("--to")) << text;
  }
}

TEST(Span, NeedsItsUnit) {
  EXPECT_EQ(*ParseSpan("--commit-interval", "10s"), 10000);
  EXPECT_EQ(*ParseSpan("--commit-interval", "1h30m"), 5400000);
  for (const char* text : {"", "10", "s", "-1s", "10 seconds"}) {
    EXPECT_THAT(Message(ParseSpan("--commit-interval", text).status()), HasSubstr("--commit-interval")) << text;
  }
}

TEST(ThousandsTest, GroupsDigits) {
  const std::pair<int64_t, const char*> kCases[] = {
      {0, "0"},       {999, "999"},        {1000, "1,000"},       {-1000, "-1,000"},
      {-999, "-999"}, {123456, "123,456"}, {1234567, "1,234,567"}};
  for (const auto& [number, text] : kCases) EXPECT_EQ(Thousands(number), text);
}

}  // namespace
}  // namespace ebb
