// Tests of the rendering of errors and of the search for the nearest name.
#include "config/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/error_codes.h"

namespace ebb {
namespace {

TEST(DiagnosticTest, TextShowsLineCaretHintAndNotes) {
  Diagnostics d("telecom.yaml", "a: 1\n  calls:  {from: calls, agg: cuont, over: [day, week]}\n");
  d.Add("E0104", {{2, 30}, {2, 35}}, "unknown aggregation 'cuont'", "did you mean 'count'?", {"known: count, sum"});
  EXPECT_EQ(RenderText(d),
            "telecom.yaml:2:30: error E0104: unknown aggregation 'cuont'\n"
            "    2 |   calls:  {from: calls, agg: cuont, over: [day, week]}\n"
            "      |                              ^^^^^ did you mean 'count'?\n"
            "  known: count, sum                         ebb explain E0104\n");
}

TEST(DiagnosticTest, ErrorsAreShownInOrderOfPositionAndOnce) {
  Diagnostics d("x", "ab\ncd\n");
  d.Add("E0202", {{2, 1}, {2, 2}}, "third");
  d.Add("E0202", {{1, 2}, {1, 3}}, "second");
  d.Add("E0202", {{1, 1}, {1, 2}}, "first");
  d.Add("E0202", {{1, 1}, {1, 2}}, "first");
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : d.Sorted()) messages.push_back(diagnostic.message);
  EXPECT_THAT(messages, testing::ElementsAre("first", "second", "third"));
}

TEST(DiagnosticTest, CaretStandsRight) {
  struct Case {
    std::string line;
    int begin, end;
    std::string caret;
  };
  const Case kCases[] = {
      {"abc", 2, 3, "      |  ^"},
      {"abc", 4, 4, "      |    ^"},                // behind the end
      {"a\tbc", 3, 4, "      |   ^"},               // a tab is shown as one space
      {"\u5ba2\u6237 bc", 4, 5, "      |      ^"},  // wide characters take two columns
      {"\u00e4bc", 2, 3, "      |  ^"},
      {"abc", 2, 40, "      |  ^^"},  // never past the line
  };
  for (const Case& c : kCases) {
    Diagnostics d("x", c.line);
    d.Add("E0202", {{1, c.begin}, {1, c.end}}, "m");
    std::string text = RenderText(d);
    EXPECT_THAT(text, testing::HasSubstr(c.caret + "\n")) << c.line << "\n" << text;
  }
}

TEST(DiagnosticTest, LongLinesAreShownAroundTheCaret) {
  Diagnostics d("x", std::string(1000, 'a') + "bcd" + std::string(1000, 'e'));
  d.Add("E0202", {{1, 1001}, {1, 1004}}, "m");
  std::string text = RenderText(d);
  EXPECT_LT(text.size(), 500u);
  size_t line = text.find("..."), caret = text.find("^^^");
  ASSERT_NE(caret, std::string::npos);
  size_t caret_line = text.rfind('\n', caret) + 1;
  size_t shown_line = text.rfind('\n', line) + 1;
  EXPECT_EQ(text.substr(shown_line + (caret - caret_line), 3), "bcd");
}

TEST(DiagnosticTest, ErrorsOfTheWholeFileHaveNoLine) {
  Diagnostics d("x.yaml");
  d.Add("E0001", {}, "the file can't be read");
  EXPECT_EQ(RenderText(d), "x.yaml: error E0001: the file can't be read\n  ebb explain E0001\n");
}

TEST(DiagnosticTest, JsonHasTheSame) {
  Diagnostics d("a\"b.yaml", "x");
  d.Add("E0104", {{1, 1}, {1, 2}}, "say \"hi\"\n", "h", {"n1", "n2"});
  EXPECT_EQ(RenderJson(d),
            "{\"file\":\"a\\\"b.yaml\",\"errors\":[{\"file\":\"a\\\"b.yaml\",\"code\":\"E0104\",\"line\":1,"
            "\"column\":1,"
            "\"end_line\":1,"
            "\"end_column\":2,\"message\":\"say \\\"hi\\\"\\u000a\",\"hint\":\"h\",\"notes\":[\"n1\",\"n2\"]}],"
            "\"left_out\":0}\n");
}

TEST(DiagnosticTest, TooManyErrorsAreCut) {
  Diagnostics d("x");
  for (size_t i = 0; i < Diagnostics::kMaxDiagnostics + 5; ++i) {
    d.Add("E0202", {{static_cast<int>(i) + 1, 1}, {static_cast<int>(i) + 1, 2}}, "m");
  }
  EXPECT_EQ(d.size(), Diagnostics::kMaxDiagnostics);
  EXPECT_TRUE(d.full());
  EXPECT_EQ(d.left_out(), 5u);
  EXPECT_THAT(RenderText(d), testing::HasSubstr("x: 5 or more further errors are not shown\n"));
}

TEST(NearestNameTest, Table) {
  const std::vector<std::string> kNames = {"count", "sum", "mean", "cooldown", "decayed_sum", "calls_week"};
  const std::pair<std::string, std::string> kCases[] = {{"cuont", "count"},
                                                        {"coutn", "count"},
                                                        {"smu", "sum"},
                                                        {"COUNT", "count"},
                                                        {"cooldwon", "cooldown"},
                                                        {"avg", ""},
                                                        {"", ""},
                                                        {"x", ""},
                                                        {"calls_wek", "calls_week"},
                                                        {"decaysum", "decayed_sum"},
                                                        {"quantile", ""},
                                                        {std::string(200, 'c'), ""}};
  for (const auto& [name, nearest] : kCases) {
    EXPECT_EQ(NearestName(name, kNames).value_or(""), nearest) << name;
  }
  EXPECT_EQ(DidYouMean("cuont", kNames), "did you mean 'count'?");
  EXPECT_EQ(DidYouMean("avg", kNames), "");
}

TEST(NearestNameTest, KnownNamesAreCut) {
  EXPECT_EQ(KnownNames({}), "known: none");
  std::vector<std::string> names(13, "n");
  EXPECT_EQ(KnownNames(names), "known: n, n, n, n, n, n, n, n, n, n, n, n, ...");
}

TEST(NearestNameTest, QuotedTextIsHarmless) {
  EXPECT_EQ(Quoted("a\x1b[31m"), "'a\\x1b[31m'");
  EXPECT_EQ(Quoted(std::string(61, 'a')), "'" + std::string(60, 'a') + "...'");
  EXPECT_EQ(Quoted("\u5ba2"), "'\u5ba2'");
}

TEST(ErrorCodesTest, TableIsInOrderAndComplete) {
  std::string_view last;
  for (const ErrorCode& code : ErrorCodes()) {
    EXPECT_LT(last, code.code);
    last = code.code;
    EXPECT_EQ(code.code.size(), 5u);
    EXPECT_FALSE(code.title.empty());
    EXPECT_GT(code.text.size(), 40u) << code.code;
    EXPECT_EQ(FindErrorCode(code.code), &code);
  }
  EXPECT_EQ(FindErrorCode("E9999"), nullptr);
  EXPECT_THAT(ExplainErrorCode(*FindErrorCode("E0104")), testing::StartsWith("E0104: unknown aggregation\n\n"));
}

}  // namespace
}  // namespace ebb
