// Small histories with a known verdict.
#include "cli/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

constexpr TimeMs kStart = 1767225600000;

AlertLine Warning(const std::string& customer, DurationMs at, bool held_out = false) {
  AlertLine alert;
  alert.rule = "leaving";
  alert.status = "opened";
  alert.customer = customer;
  alert.event_time = kStart + at;
  alert.held_out = held_out;
  return alert;
}

Truth Leaves(const std::string& customer, DurationMs at, LeavingCause cause = LeavingCause::kPriceRise) {
  return {customer, kStart + at, cause};
}

TEST(Verdict, JudgesCustomersAndWarnings) {
  const std::vector<Truth> truth = {
      Leaves("early", 80 * kDay),  Leaves("twice", 50 * kDay), Leaves("gone", 10 * kDay, LeavingCause::kLifeChange),
      Leaves("missed", 40 * kDay), Leaves("held", 40 * kDay),  {"stays", std::nullopt, LeavingCause::kNone}};
  std::vector<AlertLine> alerts = {Warning("early", 10 * kDay),  // 70 days before: wrong
                                   Warning("twice", 20 * kDay), Warning("twice", 45 * kDay),
                                   Warning("gone", 10 * kDay),  Warning("held", 30 * kDay, true),
                                   Warning("stays", 5 * kDay),  Warning("nobody", 5 * kDay)};
  alerts.push_back(Warning("missed", 30 * kDay));
  alerts.back().status = "resolved";
  alerts.push_back(Warning("missed", 30 * kDay));
  alerts.back().rule = "another";

  const Verdict verdict = Judge(alerts, "leaving", truth);
  EXPECT_EQ(verdict.customers, 6);
  EXPECT_EQ(verdict.all.left, 5);
  EXPECT_EQ(verdict.all.in_time, 1);
  EXPECT_EQ(verdict.all.median_lead(), 30 * kDay);
  EXPECT_EQ(verdict.all.afterwards, 1);
  EXPECT_EQ(verdict.all.held_out, 1);
  EXPECT_EQ(verdict.all.missed(), 2);
  EXPECT_EQ(verdict.Count(WarningVerdict::kRight), 2);
  EXPECT_EQ(verdict.Count(WarningVerdict::kAfterwards), 1);
  EXPECT_EQ(verdict.Count(WarningVerdict::kWrong), 2);
  EXPECT_EQ(verdict.held_out_warnings, 1);
  int64_t left = 0;
  for (const CauseVerdict& cause : verdict.causes) left += cause.left;
  EXPECT_EQ(left, verdict.all.left);
}

TEST(Verdict, TheHorizonIsIncluded) {
  const std::vector<AlertLine> alerts = {Warning("a", 0), Warning("b", 0)};
  const Verdict verdict = Judge(alerts, "leaving", {Leaves("a", kVerdictHorizon), Leaves("b", kVerdictHorizon + 1)});
  EXPECT_EQ(verdict.Count(WarningVerdict::kRight), 1);
  EXPECT_EQ(verdict.Count(WarningVerdict::kWrong), 1);
}

}  // namespace
}  // namespace ebb
