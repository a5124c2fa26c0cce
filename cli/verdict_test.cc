// Small histories with a known verdict.
#include "cli/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

constexpr TimeMs kStart = 1767225600000;
constexpr TimeMs kEnd = kStart + 100 * kDay;

AlertLine Alert(const std::string& customer, DurationMs at, bool held_out = false) {
  AlertLine alert;
  alert.rule = "leaving";
  alert.status = "opened";
  alert.customer = customer;
  alert.event_time = kStart + at;
  alert.held_out = held_out;
  return alert;
}

Truth Leaves(const std::string& customer, DurationMs at, const std::string& cause = "price_rise") {
  return {customer, kStart + at, cause};
}

TEST(Verdict, JudgesCustomersAndWarnings) {
  const Leavings leavings({Leaves("early", 80 * kDay),
                           Leaves("twice", 50 * kDay),
                           Leaves("gone", 10 * kDay, "life_change"),
                           Leaves("missed", 40 * kDay),
                           Leaves("held", 40 * kDay),
                           Leaves("later", 101 * kDay),
                           {"stays", std::nullopt, ""}});
  std::vector<AlertLine> alerts = {Alert("early", 10 * kDay),  // 70 days before: wrong
                                   Alert("twice", 20 * kDay), Alert("twice", 45 * kDay),
                                   Alert("gone", 10 * kDay),  Alert("held", 30 * kDay, true),
                                   Alert("stays", 5 * kDay),  Alert("unknown", 5 * kDay),
                                   Alert("later", 90 * kDay)};  // right, but it left after the end
  alerts.push_back(Alert("missed", 30 * kDay));
  alerts.back().status = "resolved";
  alerts.push_back(Alert("missed", 30 * kDay));
  alerts.back().rule = "another";

  const Verdict verdict = Judge(WarningsOf(alerts, "leaving"), leavings, 60 * kDay, kEnd);
  EXPECT_EQ(verdict.all.left, 5);
  EXPECT_EQ(verdict.all.in_time, 2);
  EXPECT_THAT(verdict.all.leads, testing::ElementsAre(10 * kDay, 30 * kDay));
  EXPECT_EQ(verdict.all.median_lead(), 30 * kDay);
  EXPECT_EQ(verdict.all.afterwards, 1);
  EXPECT_EQ(verdict.all.never(), 2);
  EXPECT_DOUBLE_EQ(verdict.all.recall(), 0.4);
  EXPECT_EQ(verdict.warnings.size(), 8u);
  EXPECT_EQ(verdict.Count(WarningVerdict::kRight), 4);
  EXPECT_EQ(verdict.Count(WarningVerdict::kAfterwards), 1);
  EXPECT_EQ(verdict.Count(WarningVerdict::kWrong), 3);
  EXPECT_DOUBLE_EQ(verdict.precision(), 0.5);
  int64_t left = 0;
  for (const CauseVerdict& cause : verdict.causes) left += cause.left;
  EXPECT_EQ(left, verdict.all.left);
}

TEST(Verdict, TheHorizonIsIncluded) {
  const Leavings leavings({Leaves("a", 60 * kDay), Leaves("b", 60 * kDay + 1)});
  const Verdict verdict = Judge({{"a", kStart}, {"b", kStart}}, leavings, 60 * kDay, kEnd);
  EXPECT_EQ(verdict.Count(WarningVerdict::kRight), 1);
  EXPECT_EQ(verdict.Count(WarningVerdict::kWrong), 1);
}

TEST(Verdict, NothingToJudgeIsZero) {
  const Verdict verdict = Judge({}, Leavings({}), 60 * kDay, kEnd);
  EXPECT_EQ(verdict.precision(), 0);
  EXPECT_EQ(verdict.all.recall(), 0);
  EXPECT_EQ(verdict.all.median_lead(), 0);
}

TEST(RecencyRule, TheLongestSilencesGetTheWarnings) {
  const auto silence = [](const std::string& customer, int from, int to) {
    return Silence{customer, kStart + from * kDay, kStart + to * kDay};
  };
  const std::vector<Silence> silences = {silence("a", 0, 9), silence("b", 0, 4), silence("a", 10, 17),
                                         silence("c", 10, 16), silence("b", 20, 40)};
  const auto warned = [&](size_t budget, DurationMs cooldown) {
    const RecencyRule rule = WarnBySilence(silences, cooldown, budget);
    std::vector<std::string> texts;
    for (const Warning& w : rule.warnings) {
      texts.push_back(w.customer + " " + FormatDuration(w.time - kStart));
    }
    texts.push_back("after " + FormatDuration(rule.silence));
    return texts;
  };
  using testing::ElementsAre;
  EXPECT_THAT(warned(1, 0), ElementsAre("b 40d", "after 20d"));
  EXPECT_THAT(warned(2, 0), ElementsAre("a 9d", "b 29d", "after 9d"));
  EXPECT_THAT(warned(4, 0), ElementsAre("a 6d", "a 16d", "c 16d", "b 26d", "after 6d"));
  // The second silence of a falls into the cooldown, so that the budget reaches further.
  EXPECT_THAT(warned(4, 30 * kDay), ElementsAre("a 4d", "b 4d", "c 14d", "after 4d"));
  EXPECT_THAT(warned(0, 0), ElementsAre("after 0s"));
}

}  // namespace
}  // namespace ebb
