// The lines that leave, byte for byte, and the holdout's share.
#include "operators/alert/alert_text.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

constexpr TimeMs kT = 1772619667000;  // 2026-03-04T10:21:07Z

// Features: calls (12), silence (a duration), is_prepaid (a bool); score in register 3.
class AlertTextTest : public ::testing::Test {
 protected:
  AlertTextTest() {
    plan_.pipeline = "telecom";
    plan_.fingerprint = "00112233445566aa";
    plan_.sources = {"calls", "bills"};
    plan_.features = {{"calls", 0, false, false}, {"silence", 1, false, true}, {"is_prepaid", 2, true, false}};
    score_.name = "churn";
    score_.target = 3;
    score_.points = {{2, -1, 1.5, "prepaid", 2},
                     {-1, 0, 0.125, "many_calls", 0},
                     {-1, -1, 1, "always", -1},
                     {-1, -1, 0.25, "too_small_to_be_among_three", -1}};
    score_.bands = {{"low", 0.0}, {"high", 0.5}};
    alert_.name = "leaving";
    alert_.severities = {{"high", 2}};
    alert_.features = {1, 2, 0};
    alert_.action_code = "call";
    alert_.action_class = "retention";
    alert_.holdout_basis_points = 10000;
  }

  std::string Alert(EpisodeEvent event, const Scorecard* score, std::string_view customer = "c_\"1\"") {
    std::string line;
    AppendAlert(plan_,
                {&alert_,
                 event,
                 {true, kT, kT + kDay, kT - 5, 2, 0, -1, 0},
                 customer,
                 {TriggerKind::kEvent, 1, kT - 7, true},
                 kT,
                 registers_,
                 score,
                 kNull},
                &line);
    return line;
  }

  Plan plan_;
  ScorePlan score_;
  AlertPlan alert_;
  Program program_;
  double registers_[4] = {12, 90'500, 1, 0.75};
};

TEST_F(AlertTextTest, AnAlert) {
  const Scorecard card(&score_, &program_);
  EXPECT_EQ(Alert(EpisodeEvent::kEscalated, &card),
            R"({"alert_id":"4f15e44a5fe06046","revision":2,"status":"escalated","rule":"leaving",)"
            R"("customer_id":"c_\"1\"",)"
            R"("event_time":"2026-03-04T10:21:06.993Z","as_of":"2026-03-04T10:21:07.000Z",)"
            R"("trigger":{"kind":"event","source":"bills"},)"
            R"("score":{"name":"churn","probability":0.75,"previous":null},"severity":"high",)"
            R"("reasons":[{"code":"prepaid","contribution":1.5,"share":0.35294117647058826,)"
            R"("feature":"is_prepaid","value":true},)"
            R"({"code":"many_calls","contribution":1.5,"share":0.35294117647058826,"feature":"calls","value":12},)"
            R"({"code":"always","contribution":1,"share":0.23529411764705882}],)"
            R"("features":{"silence":90.5,"is_prepaid":true,"calls":12},)"
            R"("action":{"code":"call","class":"retention"},"experiment":{"arm":"holdout","bucket":4803},)"
            R"("valid_from":"2026-03-04T10:21:07.000Z","valid_until":"2026-03-05T10:21:07.000Z",)"
            R"("pipeline":{"name":"telecom","fingerprint":"00112233445566aa"},)"
            R"("model":{"id":"scorecard","version":"00112233445566aa"},"late":true)");
}

TEST_F(AlertTextTest, WithoutScoreActionAndLimit) {
  alert_.action_code = "";
  alert_.features = {};
  alert_.holdout_basis_points = 0;
  std::string line;
  registers_[2] = kNull;
  AppendAlert(plan_,
              {&alert_,
               EpisodeEvent::kOpened,
               {true, kT, 0, kT, 0, -1, -1, 0},
               "c",
               {TriggerKind::kSilence, -1, kT, false},
               kT,
               registers_,
               nullptr,
               kNull},
              &line);
  EXPECT_EQ(line,
            R"({"alert_id":"ef2b7b08b20413be","revision":0,"status":"opened","rule":"leaving","customer_id":"c",)"
            R"("event_time":"2026-03-04T10:21:07.000Z","as_of":"2026-03-04T10:21:07.000Z",)"
            R"("trigger":{"kind":"silence"},)"
            R"("severity":"medium","features":{},"experiment":{"arm":"treat","bucket":3998},)"
            R"("valid_from":"2026-03-04T10:21:07.000Z","pipeline":{"name":"telecom","fingerprint":"00112233445566aa"},)"
            R"("late":false)");
}

TEST_F(AlertTextTest, AScore) {
  plan_.outputs.score_features = {0};
  score_.logistic = false;
  const Scorecard card(&score_, &program_);
  std::string line;
  AppendScore(plan_, {&card, "c", {TriggerKind::kSchedule, -1, kT, false}, kT, registers_, 0.1}, &line);
  EXPECT_EQ(line, R"({"score":"churn","customer_id":"c","as_of":"2026-03-04T10:21:07.000Z",)"
                  R"("trigger":{"kind":"schedule"},)"
                  R"("value":0.75,"previous":0.1,"band":"high","features":{"calls":12}})");
}

TEST_F(AlertTextTest, TheIdBelongsToTheEpisode) {
  const auto id = [&](std::string_view customer, EpisodeEvent event = EpisodeEvent::kOpened) {
    return Alert(event, nullptr, customer).substr(0, 31);
  };
  EXPECT_EQ(id("a"), id("a"));
  EXPECT_NE(id("a"), id("b"));
  EXPECT_EQ(id("a"), id("a", EpisodeEvent::kResolved));
  const std::string before = id("a");
  alert_.name = "other";
  EXPECT_NE(id("a"), before);
}

TEST_F(AlertTextTest, HoldoutBucketsAreEven) {
  constexpr int kCustomers = 100'000;
  for (const char* rule : {"leaving", "other"}) {
    alert_.name = rule;
    int below_5_percent = 0, below_half = 0;
    for (int i = 0; i < kCustomers; ++i) {
      const int bucket = HoldoutBucket(plan_, alert_, "customer_" + std::to_string(i));
      ASSERT_TRUE(bucket >= 0 && bucket < 10000);
      below_5_percent += bucket < 500;
      below_half += bucket < 5000;
    }
    EXPECT_NEAR(below_5_percent, 5000, 350) << "five standard deviations";
    EXPECT_NEAR(below_half, 50'000, 800);
  }
}

TEST_F(AlertTextTest, FeatureValues) {
  const auto text = [](bool is_bool, bool is_duration, double value) {
    std::string out;
    AppendFeatureValue({"x", 0, is_bool, is_duration}, value, &out);
    return out;
  };
  EXPECT_EQ(text(false, false, 0.1), "0.1");
  EXPECT_EQ(text(false, true, 1), "0.001");
  EXPECT_EQ(text(true, false, 1), "true");
  EXPECT_EQ(text(true, false, 0), "false");
  for (bool flag : {true, false}) EXPECT_EQ(text(flag, !flag, kNull), "null");
}

}  // namespace
}  // namespace ebb
