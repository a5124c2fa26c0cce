// The state machine, step by step. A step says what holds and what must come of it.
#include "operators/alert/episode.h"

#include <memory>

#include <gtest/gtest.h>

#include "operators/feature/program.h"

namespace ebb {
namespace {

constexpr TimeMs kT = 1'700'000'000'000;

enum Register { kWhen, kClear, kMild, kSevere, kRegisters };

constexpr EpisodeEvent kNone = EpisodeEvent::kNone, kOpened = EpisodeEvent::kOpened,
                       kEscalated = EpisodeEvent::kEscalated, kResolved = EpisodeEvent::kResolved,
                       kExpired = EpisodeEvent::kExpired;
constexpr Suppressed kNo = Suppressed::kNo, kUnconfirmed = Suppressed::kUnconfirmed, kCooldown = Suppressed::kCooldown;

struct Step {
  TimeMs at;  // after kT
  double when, clear, mild, severe;
  EpisodeEvent event;
  Suppressed suppressed = kNo;
  int revision = 0;
  int severity = -1;
};

AlertPlan Rule() {
  AlertPlan plan;
  plan.name = "churn";
  plan.when = kWhen;
  plan.clear = kClear;
  plan.severities = {{"high", kMild}, {"critical", kSevere}};
  return plan;
}

// Runs the steps as an operator does: what is over expires first.
void RunSteps(const AlertPlan& plan, const std::vector<Step>& steps) {
  AlertRule rule(&plan);
  RowLayoutBuilder layout;
  layout.AddCells("before", 3);
  rule.Declare(&layout);
  RowTable table(layout.Build());
  RowRef row = table.FindOrCreate(1, "c");
  for (const Step& step : steps) {
    SCOPED_TRACE(step.at);
    const TimeMs now = kT + step.at;
    const double registers[kRegisters] = {step.when, step.clear, step.mild, step.severe};
    if (step.event == kExpired) {
      EXPECT_TRUE(rule.Expire(&row, now));
      EXPECT_EQ(rule.View(row).revision, step.revision);
      continue;
    }
    EXPECT_FALSE(rule.Expire(&row, now));
    EpisodeStep got = rule.Evaluate(registers, &row, now);
    if (got.event == EpisodeEvent::kReady) {
      rule.Open(registers, &row, now, now - 5);
      got.event = kOpened;
    }
    EXPECT_EQ(EpisodeEventName(got.event), EpisodeEventName(step.event));
    EXPECT_EQ(static_cast<int>(got.suppressed), static_cast<int>(step.suppressed));
    EXPECT_EQ(got.condition, step.when == 1);
    if (got.event == kNone) continue;
    const EpisodeView view = rule.View(row);
    EXPECT_EQ(view.open, got.event != kResolved);
    EXPECT_EQ(view.revision, step.revision);
    EXPECT_EQ(view.severity, step.severity);
    if (got.event != kOpened) continue;
    EXPECT_EQ(view.opened_at, now);
    EXPECT_EQ(view.silent_since, now - 5);
    EXPECT_EQ(view.valid_until, plan.valid_for == 0 ? 0 : now + plan.valid_for);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(row.cells()[i], 0) << "cells of others";
}

TEST(EpisodeTest, OpensWhenTheConditionHolds) {
  RunSteps(Rule(),
           {{0, 0, 0, 0, 0, kNone}, {1, kNull, 0, 0, 0, kNone}, {2, 1, 0, 0, 0, kOpened}, {3, 1, 0, 0, 0, kNone}});
}

TEST(EpisodeTest, HysteresisClearDecidesNotWhen) {
  RunSteps(Rule(), {{0, 1, 0, 0, 0, kOpened},
                    {1, 0, 0, 0, 0, kNone},
                    {2, 0, kNull, 0, 0, kNone},
                    {3, 0, 1, 0, 0, kResolved, kNo, 1},
                    {4, 0, 1, 0, 0, kNone},
                    {5, 1, 1, 0, 0, kOpened},
                    {6, 1, 1, 0, 0, kResolved, kNo, 1}});
}

TEST(EpisodeTest, WithoutClearItEndsWithTheCondition) {
  AlertPlan plan = Rule();
  plan.clear = -1;
  RunSteps(plan, {{0, 1, 0, 0, 0, kOpened},
                  {1, kNull, 0, 0, 0, kResolved, kNo, 1},
                  {2, 1, 0, 0, 0, kOpened},
                  {3, 0, 0, 0, 0, kResolved, kNo, 1}});
}

TEST(EpisodeTest, ConfirmCountsEvaluationsInARow) {
  AlertPlan plan = Rule();
  plan.confirm = 3;
  RunSteps(plan, {{0, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {1, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {2, 0, 0, 0, 0, kNone},
                  {3, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {4, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {5, kNull, 0, 0, 0, kNone},
                  {6, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {7, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {8, 1, 0, 0, 0, kOpened},
                  {9, 0, 1, 0, 0, kResolved, kNo, 1},
                  {10, 1, 0, 0, 0, kNone, kUnconfirmed}});
}

TEST(EpisodeTest, CooldownCountsFromTheOpening) {
  AlertPlan plan = Rule();
  plan.cooldown = 100;
  RunSteps(plan, {{0, 1, 0, 0, 0, kOpened},
                  {60, 0, 1, 0, 0, kResolved, kNo, 1},
                  {70, 1, 0, 0, 0, kNone, kCooldown},
                  {99, 1, 0, 0, 0, kNone, kCooldown},
                  {100, 1, 0, 0, 0, kOpened},
                  {300, 0, 1, 0, 0, kResolved, kNo, 1},
                  {301, 1, 0, 0, 0, kOpened}});
}

TEST(EpisodeTest, ConfirmationGoesOnDuringTheCooldown) {
  AlertPlan plan = Rule();
  plan.cooldown = 100;
  plan.confirm = 2;
  RunSteps(plan, {{0, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {1, 1, 0, 0, 0, kOpened},
                  {2, 0, 1, 0, 0, kResolved, kNo, 1},
                  {50, 1, 0, 0, 0, kNone, kUnconfirmed},
                  {60, 1, 0, 0, 0, kNone, kCooldown},
                  {101, 1, 0, 0, 0, kOpened}});
}

TEST(EpisodeTest, ExpiresWhenItsValidityIsOver) {
  AlertPlan plan = Rule();
  plan.valid_for = 50;
  RunSteps(plan, {{0, 1, 0, 0, 0, kOpened},
                  {49, 1, 0, 0, 0, kNone},
                  {50, 1, 0, 0, 0, kExpired, kNo, 1},
                  {51, 1, 0, 0, 0, kOpened},
                  {60, 0, 1, 0, 0, kResolved, kNo, 1},
                  {200, 0, 0, 0, 0, kNone}});
}

TEST(EpisodeTest, EscalatesUpwardsOnly) {
  RunSteps(Rule(), {{0, 1, 0, 0, 0, kOpened, kNo, 0, -1},
                    {1, 1, 0, 1, 0, kEscalated, kNo, 1, 0},
                    {2, 1, 0, 1, 0, kNone},
                    {3, 1, 0, 0, 0, kNone},
                    {4, 0, 0, 0, 1, kEscalated, kNo, 2, 1},
                    {5, 1, 0, 1, 0, kNone},
                    {6, 0, 1, 1, 1, kResolved, kNo, 3, 1},
                    {7, 1, 0, 1, 1, kOpened, kNo, 0, 1},
                    {8, 1, 0, kNull, kNull, kNone}});
}

TEST(EpisodeTest, TimersOfOpenEpisodes) {
  AlertPlan plan = Rule();
  plan.valid_for = 50;
  for (bool written : {true, false}) {
    plan.on_expired = written;
    AlertRule rule(&plan);
    RowLayoutBuilder layout;
    rule.Declare(&layout);
    RowTable table(layout.Build());
    RowRef row = table.FindOrCreate(1, "c");
    EXPECT_EQ(rule.NextTimer(row, kT), kAfterTime);
    const double registers[kRegisters] = {1, 0, 0, 0};
    EXPECT_EQ(rule.Evaluate(registers, &row, kT).event, EpisodeEvent::kReady);
    rule.Open(registers, &row, kT, kT);
    EXPECT_EQ(rule.NextTimer(row, kT), written ? kT + 50 : kAfterTime);
    rule.Expire(&row, kT + 50);
    EXPECT_EQ(rule.NextTimer(row, kT), kAfterTime);
  }
}

// A rule with quiet hours from 22h to 8h UTC; kT is 22:13:20.
class WaitingTest : public ::testing::Test {
 protected:
  WaitingTest() {
    plan_.quiet.from = 22 * kHour;
    plan_.quiet.to = 8 * kHour;
    rule_.Declare(&layout_);
    table_ = std::make_unique<RowTable>(layout_.Build());
    row_ = std::make_unique<RowRef>(table_->FindOrCreate(1, "c"));
  }
  EpisodeStep Evaluate(TimeMs now, double when, double clear = 0, double severe = 0) {
    registers_ = {when, clear, severe, 0};
    return rule_.Evaluate(registers_.data(), row_.get(), now);
  }
  EpisodeStep EndWait(TimeMs now) { return rule_.EndWait(registers_.data(), row_.get(), now); }
  EpisodeView View() const { return rule_.View(*row_); }

  AlertPlan plan_ = Rule();
  AlertRule rule_{&plan_};
  RowLayoutBuilder layout_;
  std::unique_ptr<RowTable> table_;
  std::unique_ptr<RowRef> row_;
  std::array<double, kRegisters> registers_{};
};

constexpr TimeMs kMorning = 1'700'006'400'000 + 8 * kHour;

TEST_F(WaitingTest, WhoWaitsToOpenIsLeftAloneUntilThen) {
  EXPECT_EQ(Evaluate(kT, 1).event, EpisodeEvent::kReady);
  rule_.Wait(row_.get(), Waiting::kOpening, kMorning);
  EXPECT_EQ(rule_.NextTimer(*row_, kT), kMorning);
  EXPECT_EQ(rule_.NextTimer(*row_, kMorning), kMorning);
  EXPECT_EQ(rule_.NextTimer(*row_, kMorning + 1), kAfterTime) << "what has come is no timer";
  EXPECT_EQ(Evaluate(kT + 1, 1).event, kNone);
  EXPECT_EQ(Evaluate(kT + 2, 0).event, kNone) << "clear decides";
  EXPECT_EQ(View().waiting, Waiting::kOpening);
  EXPECT_EQ(EndWait(kMorning).event, EpisodeEvent::kReady);
  rule_.Open(registers_.data(), row_.get(), kMorning, kT);
  EXPECT_TRUE(View().open);
  EXPECT_EQ(View().waiting, Waiting::kNo);
  EXPECT_EQ(rule_.NextTimer(*row_, kT), kAfterTime);
}

TEST_F(WaitingTest, AConditionThatEndsIsWithdrawn) {
  plan_.confirm = 2;
  Evaluate(kT - 1, 1);
  EXPECT_EQ(Evaluate(kT, 1).event, EpisodeEvent::kReady);
  rule_.Wait(row_.get(), Waiting::kBudget, kMorning);
  EXPECT_EQ(Evaluate(kT + 1, 1, 1).suppressed, Suppressed::kWithdrawn);
  EXPECT_EQ(View().waiting, Waiting::kNo);
  EXPECT_EQ(Evaluate(kT + 2, 1).suppressed, Suppressed::kUnconfirmed) << "it counts anew";
  EXPECT_EQ(Evaluate(kT + 3, 1).event, EpisodeEvent::kReady);
  rule_.Wait(row_.get(), Waiting::kBudget, kMorning);
  registers_[kClear] = 1;
  EXPECT_EQ(EndWait(kMorning).suppressed, Suppressed::kWithdrawn);
}

TEST_F(WaitingTest, EscalationsWaitForTheMorning) {
  EXPECT_EQ(Evaluate(kT - kHour, 1).event, EpisodeEvent::kReady);
  rule_.Open(registers_.data(), row_.get(), kT - kHour, kT);
  EXPECT_EQ(Evaluate(kT, 1, 0, 1).suppressed, Suppressed::kQuiet);
  EXPECT_EQ(View().waiting, Waiting::kEscalation);
  EXPECT_EQ(View().wait_until, kMorning);
  EXPECT_EQ(Evaluate(kT + 1, 1, 0, 1).suppressed, kNo) << "held back once";
  EXPECT_EQ(View().severity, -1);
  EXPECT_EQ(EndWait(kMorning).event, kEscalated);
  EXPECT_EQ(View().severity, 0);
  EXPECT_EQ(View().revision, 1);
  EXPECT_EQ(Evaluate(kMorning + 1, 1, 0, 1).event, kNone);
}

TEST_F(WaitingTest, AnEscalationThatIsOverByMorningIsForgotten) {
  EXPECT_EQ(Evaluate(kT - kHour, 1).event, EpisodeEvent::kReady);
  rule_.Open(registers_.data(), row_.get(), kT - kHour, kT);
  Evaluate(kT, 1, 0, 1);
  registers_[kMild] = 0;
  EXPECT_EQ(EndWait(kMorning).event, kNone);
  EXPECT_EQ(View().waiting, Waiting::kNo);
  EXPECT_EQ(Evaluate(kT + kDay, 1, 0, 1).suppressed, Suppressed::kQuiet);
  EXPECT_EQ(Evaluate(kT + kDay + 1, 1, 1, 1).event, kResolved);
  EXPECT_EQ(View().waiting, Waiting::kNo) << "a closed episode waits for nothing";
}

}  // namespace
}  // namespace ebb
