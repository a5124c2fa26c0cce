// What --update writes makes the tests pass, and changes nothing else of the file.
#include "config/update_tests.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/include.h"
#include "config/pipeline.h"

namespace ebb {
namespace {

using testing::HasSubstr;

const char kHead[] = R"(# Umsätze 数据	with a tab, and odd   spacing
pipeline: p
entity: {key: customer}
sources:
  orders: {file: o, time: {field: t, unit: ms}, fields: {amount: {type: decimal(2)}}}
windows: {month: 30d}
features:
  orders: {from: orders, agg: count, over: month}
  spend:  {from: orders, agg: mean, of: amount, over: month}
  silence: {from: orders, agg: recency}
  often: {expr: "orders > 1"}
scores:
  churn: {model: scorecard, points: [{when: "silence > 7d", add: 2, reason: SILENT}]}
alerts:
  quiet: {when: "churn > 0.6"}
tests:
)";

LoadResult Load(const std::string& text) {
  const auto environment = [](const std::string&) -> std::optional<std::string> { return "3"; };
  LoadResult loaded = LoadPipelineText(text, "p.yaml", {environment, ""});
  EXPECT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
  return loaded;
}

TestUpdate Updated(const std::string& text, bool thorough = false) {
  const LoadResult loaded = Load(text);
  return UpdateTests(text, *RunTests(*loaded.pipeline, thorough));
}

size_t Failed(const std::string& text) {
  const LoadResult loaded = Load(text);
  size_t failed = 0;
  const auto outcomes = RunTests(*loaded.pipeline, false);
  for (const TestOutcome& outcome : *outcomes) {
    for (const ExpectationOutcome& expectation : outcome.expectations) failed += expectation.passed ? 0 : 1;
  }
  return failed;
}

TEST(UpdateTestsTest, OnlyFailingValuesChange) {
  const std::string text = std::string(kHead) + R"(  - name: "ä: 'quoted'"     # a comment with is: 3
    given:
      - {orders: {at: 0d, customer: ann, amount: 1.00}}
      - {orders: {at: 1d, customer: ann, amount: 2.00}}
      - {orders: {at: 1d, customer: ann, amount: 2.00}}
    until: 20d
    expect:
      - {feature: orders, customer: ann, at: 0d, is: 1}                # right already
      - {feature: orders, customer: ann, is:   7   }                   # wrong
      - {score: churn, customer: ann, at: 2d, near: 0.001, is: 0.7}
      - feature: spend
        customer: "ann"
        near: 0.01
        is: '9'   # quoted
      - {feature: silence, customer: ann, at: 2d, is: 5h}
      - {feature: often, customer: ann, is: false}
      - {feature: spend, customer: bob, is: 4}
      - {alert: quiet, customer: ann, between: [2d, 3d], reason: OTHER_ONE}
      - {alert: quiet, customer: ann, at: 9d}
      - {alert: quiet, customer: ann, reason: SILENT}
)";
  std::string expected = text;
  const auto replace = [&](const std::string& before, const std::string& after) {
    ASSERT_NE(expected.find(before), std::string::npos) << before;
    expected.replace(expected.find(before), before.size(), after);
  };
  replace("is:   7   }", "is:   3   }");
  replace("is: 0.7}", "is: 0.5}");
  replace("is: '9'", "is: 1.67");
  replace("is: 5h}", "is: 1d}");
  replace("is: false}", "is: true}");
  replace("bob, is: 4}", "bob, is: null}");
  replace("[2d, 3d], reason: OTHER_ONE", "[8d1ms, 9d1ms], reason: SILENT");
  replace("ann, at: 9d}", "ann, at: 8d1ms}");
  const TestUpdate update = Updated(text);
  EXPECT_EQ(update.text, expected);
  ASSERT_EQ(update.changes.size(), 10u);
  EXPECT_EQ(update.changes[0].line, 25);
  EXPECT_EQ(update.changes[0].before, "7");
  EXPECT_EQ(update.changes[0].after, "3");
  EXPECT_EQ(Failed(update.text), 0u);
  EXPECT_TRUE(Updated(update.text).changes.empty());
  EXPECT_EQ(Updated(text, true).text, expected) << "ways of running don't add up";
}

// The file may have a byte order mark, and line ends of any kind.
TEST(UpdateTestsTest, AllLineEnds) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text = "\xEF\xBB\xBF";
    const std::string lines =
        std::string(kHead) +
        "  - name: n\n    given: [{orders: {at: 0d, customer: a, amount: 1.00}}]\n"
        "    expect: [{feature: orders, customer: a, is: 22}, {feature: often, customer: a, is: true}]\n";
    for (char c : lines) text += c == '\n' ? end : std::string(1, c);
    std::string expected = text;
    expected.replace(expected.find("is: 22"), 6, "is: 1");
    expected.replace(expected.find("is: true"), 8, "is: false");
    EXPECT_EQ(Updated(text).text, expected);
  }
}

TEST(UpdateTestsTest, WhatNoValueCanSayStays) {
  const std::string text = std::string(kHead) + R"(  - name: n
    given: [{orders: {at: 0d, customer: a, amount: 1.00}}]
    until: 20d
    expect:
      - {alert: quiet, customer: a, none: true}
      - {alert: quiet, customer: a, status: resolved}
      - {alert: quiet, customer: b, at: 7d}
      - {feature: orders, customer: a, is: "${THREE}"}
)";
  EXPECT_EQ(Failed(text), 4u);
  const TestUpdate update = Updated(text);
  EXPECT_EQ(update.text, text);
  EXPECT_TRUE(update.changes.empty());
}

TEST(UpdateTestsTest, TheFileIsReplacedAtOnceOrNotAtAll) {
  const std::string folder = testing::TempDir() + "/ebb_update";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/p.yaml", link = folder + "/link.yaml";
  std::ofstream(path) << "before";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  std::filesystem::create_symlink("p.yaml", link);
  EXPECT_TRUE(ReplaceFileText(link, "before", "after").ok());
  EXPECT_EQ(ReadFileText(path).text, "after");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0640});
  const absl::Status late = ReplaceFileText(path, "before", "other");
  EXPECT_TRUE(absl::IsAborted(late));
  EXPECT_THAT(std::string(late.message()), HasSubstr("has changed meanwhile"));
  EXPECT_EQ(ReadFileText(path).text, "after");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2) << "nothing else is left behind";
}

}  // namespace
}  // namespace ebb
