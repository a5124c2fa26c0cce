// When a pipeline evaluates, and what comes of it: on records, after silence, on schedule, at the end of a pause; what
// is counted, and where held-out customers' alerts go.
#include "operators/pipeline_operator.h"

#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/task/task.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimeMs kT = 1'700'006'400'000;  // midnight

// Sources `calls` (evaluates) and `bills` (doesn't). Features: count of calls over a day by hours, recency of calls.
// The score is the count; the alert holds while recency > 2h, or > count hours with `moving_threshold`.
Plan CallsPlan(bool moving_threshold = false) {
  Plan plan;
  plan.pipeline = "p";
  plan.fingerprint = "f";
  plan.sources = {"calls", "bills"};
  plan.windows = {{"day", kDay, kHour}};
  ProgramBuilder builder;
  const int count = builder.NewRegister(), recency = builder.NewRegister(), score = builder.NewRegister();
  const auto measure = [&](const char* name, int window, int target) {
    MeasurePlan m;
    m.name = m.aggregate = name;
    m.window = window;
    m.target = target;
    plan.measures.push_back(m);
  };
  measure("count", 0, count);
  measure("recency", -1, recency);
  plan.features = {{"count", count, false, false}, {"recency", recency, false, true}};
  plan.evaluate.on_sources = 1;
  ScorePlan card;
  card.name = "s";
  card.logistic = false;
  card.target = score;
  card.points = {{-1, count, 1, "many", 0}};
  card.bands = {{"few", 0}, {"many", 2}};
  plan.scores = {card};
  plan.outputs.scores = OutputPlan::Scores::kEvery;
  AlertPlan alert;
  alert.name = "silent";
  alert.segment.begin = builder.position();
  const int threshold =
      moving_threshold ? builder.Emit(Op::kMultiply, count, builder.Constant(kHour)) : builder.Constant(2 * kHour);
  alert.when = builder.Emit(Op::kLess, threshold, recency);
  alert.segment.end = builder.position();
  alert.score = 0;
  alert.features = {0};
  plan.alerts = {alert};
  plan.deadlines = {{1, threshold, true}};
  plan.program = builder.Build();
  return plan;
}

class PipelineOperatorTest : public ::testing::Test {
 protected:
  void Start(Plan plan) {
    auto built = Pipeline::Build(std::move(plan));
    ASSERT_TRUE(built.ok()) << built.status().ToString();
    pipeline_ = *std::move(built);
    task_ = std::make_unique<Task>(pipeline_->NewOperator(), pipeline_->layout(), &names_);
  }
  void Add(TimeMs after, std::string_view key = "c", uint16_t source = 0) {
    MadeRecord record(key, kT + after);
    record->source = source;
    record->offset = offset_++;
    record.AddTo(&batch_);
  }
  // Lines up to and with that time: "+time stream key what", times after kT.
  std::vector<std::string> Until(TimeMs after) {
    task_->Step(std::move(batch_), kT + after + 1);
    batch_ = RecordBatch();
    std::vector<std::string> lines;
    for (const Outputs::Line& line : task_->outputs().lines()) {
      const std::string text(task_->outputs().text(line));
      const auto value = [&](const std::string& name) {
        const size_t at = text.find("\"" + name + "\":");
        if (at == std::string::npos) return std::string("-");
        const size_t begin = at + name.size() + 3;
        std::string found = text.substr(begin, text.find_first_of(",}", begin) - begin);
        std::erase(found, '"');
        return found;
      };
      const bool is_score = line.stream == Stream::kScores;
      lines.push_back(fmt::format("+{} {} {} {} by {}", FormatDuration(line.time - kT), StreamName(line.stream),
                                  value("customer_id"), is_score ? value("value") : value("status"), value("kind")));
    }
    task_->outputs().Clear();
    return lines;
  }
  std::map<std::string, int64_t> Counters() {
    std::map<std::string, int64_t> counters;
    const std::vector<std::string> names = task_->work().CounterNames();
    EXPECT_EQ(names.size(), task_->work().counters().size());
    for (size_t i = 0; i < names.size(); ++i) counters[names[i]] = task_->work().counters()[i];
    return counters;
  }

  const LogNames names_{{"calls", "bills"}, {{"a"}, {"b"}}};
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Task> task_;
  RecordBatch batch_;
  int64_t offset_ = 0;
};

TEST_F(PipelineOperatorTest, SilenceIsNoticedAtTheMillisecondAndEndedByARecord) {
  Start(CallsPlan());
  Add(0);
  Add(kHour);
  EXPECT_THAT(Until(3 * kHour), ElementsAre("+0s scores c 1 by event", "+1h scores c 2 by event"));
  EXPECT_THAT(Until(3 * kHour + 1), ElementsAre("+3h1ms alerts c opened by silence", "+3h1ms scores c 2 by silence"));
  EXPECT_THAT(Until(4 * kHour), IsEmpty());
  Add(5 * kHour);
  EXPECT_THAT(Until(5 * kHour), ElementsAre("+5h alerts c resolved by event", "+5h scores c 3 by event"));
  EXPECT_THAT(Until(90 * kDay), ElementsAre("+7h1ms alerts c opened by silence", "+7h1ms scores c 3 by silence"));
  const auto counters = Counters();
  EXPECT_EQ(counters.at("evaluations"), 5);
  EXPECT_EQ(counters.at("alert.silent.opened"), 2);
  EXPECT_EQ(counters.at("alert.silent.resolved"), 1);
  EXPECT_EQ(counters.at("alert.silent.condition"), 2);
  EXPECT_EQ(counters.at("alert.silent.reason.many"), 2);
  EXPECT_EQ(counters.at("score.s.evaluations"), 5);
  EXPECT_EQ(MeanScore(5, counters.at("score.s.sum_high"), counters.at("score.s.sum_low")), (1 + 2 + 2 + 3 + 3) / 5.0);
}

// A task that goes on from a state adds to sums of before, and one that does all anew doesn't: both must say the same.
TEST_F(PipelineOperatorTest, SumsOfScoresDoNotDependOnWhereTheyWereCut) {
  Plan plan = CallsPlan();
  plan.scores[0].points[0].weight = 0.001;  // whole scores have nothing in the low half of a sum
  Start(std::move(plan));
  const std::vector<std::string> names = task_->work().CounterNames();
  const auto low = std::find(names.begin(), names.end(), "score.s.sum_low") - names.begin();
  ebb::Counters sums;
  for (const std::string& name : names) sums.emplace_back(name, 0);
  sums[low].second = 0xFFFFFFFF;  // full: whatever comes carries
  for (int i = 0; i < 3; ++i) Add(i * kHour);
  Until(kDay);
  const int64_t ours_low = task_->work().counters()[low], ours_high = task_->work().counters()[low - 1];
  ASSERT_GT(ours_low, 0);
  task_->work().AddCounters(&sums);
  EXPECT_GE(sums[low].second, 0);
  EXPECT_LE(sums[low].second, 0xFFFFFFFF);
  EXPECT_EQ((sums[low - 1].second << 32) + sums[low].second, (ours_high << 32) + ours_low + 0xFFFFFFFF);
}

TEST_F(PipelineOperatorTest, AnAlertExpiresWithoutAnEvaluation) {
  Plan plan = CallsPlan();
  plan.alerts[0].valid_for = kHour;
  Start(std::move(plan));
  Add(0);
  Until(2 * kHour + 1);
  EXPECT_THAT(Until(3 * kHour), IsEmpty());
  EXPECT_THAT(Until(kDay), ElementsAre("+3h1ms alerts c expired by schedule"));
  EXPECT_EQ(Counters().at("evaluations"), 2);
  EXPECT_EQ(Counters().at("alert.silent.expired"), 1);
}

TEST_F(PipelineOperatorTest, AtMostEveryPutsOffToTheEndOfThePause) {
  Plan plan = CallsPlan();
  plan.evaluate.at_most_every = 10 * kMinute;
  Start(std::move(plan));
  for (TimeMs minute : {0, 1, 9, 20}) Add(minute * kMinute);
  EXPECT_THAT(Until(21 * kMinute),
              ElementsAre("+0s scores c 1 by event", "+10m scores c 3 by schedule", "+20m scores c 4 by event"));
  Add(30 * kMinute - 1);
  Add(30 * kMinute);
  EXPECT_THAT(Until(kHour), ElementsAre("+30m scores c 6 by event")) << "the pause is over when the record comes";
}

TEST_F(PipelineOperatorTest, TheScheduleStopsWhenNoWindowCanChangeAnyMore) {
  Plan plan = CallsPlan();
  plan.alerts.clear();
  plan.deadlines.clear();
  plan.evaluate.also_every = 6 * kHour;
  Start(std::move(plan));
  Add(0);
  EXPECT_THAT(Until(90 * kDay),
              ElementsAre("+0s scores c 1 by event", "+6h scores c 1 by schedule", "+12h scores c 1 by schedule",
                          "+18h scores c 1 by schedule", "+1d scores c 1 by schedule", "+1d6h scores c 0 by schedule"));
}

// A record that doesn't evaluate starts the schedule again; what is overdue comes now, never in the past.
TEST_F(PipelineOperatorTest, AScheduleThatStoppedGoesOnFromNow) {
  Plan plan = CallsPlan();
  plan.alerts.clear();
  plan.deadlines.clear();
  plan.evaluate.also_every = 20 * kHour;
  Start(std::move(plan));
  Add(0);
  Until(9 * kDay);
  Add(10 * kDay, "c", 1);
  EXPECT_THAT(Until(11 * kDay), ElementsAre("+10d scores c 0 by schedule", "+10d20h scores c 0 by schedule"));
}

TEST_F(PipelineOperatorTest, RecordsOfOtherSourcesOnlyMoveFeatures) {
  Start(CallsPlan());
  Add(0);
  Add(kHour, "c", 1);
  EXPECT_THAT(Until(2 * kHour), ElementsAre("+0s scores c 1 by event"));
  Add(2 * kHour + 1, "c", 1);  // at the very instant at which the condition turns true
  EXPECT_THAT(Until(kDay), ElementsAre("+2h1ms alerts c opened by silence", "+2h1ms scores c 1 by silence"));
}

// The threshold is computed in the alert's segment from the customer's own features, also when nothing is evaluated.
TEST_F(PipelineOperatorTest, MovingThresholdsAreTheCustomersOwn) {
  Plan plan = CallsPlan(true);
  plan.evaluate.at_most_every = 10 * kMinute;
  for (bool with_neighbour : {false, true}) {
    Start(plan);
    Add(0, "a");
    Add(9 * kMinute, "a");
    for (int i = 0; with_neighbour && i < 5; ++i) Add(9 * kMinute + i, "b");
    Add(9 * kMinute + 10, "a", 1);
    std::vector<std::string> lines = Until(kDay / 2);
    std::erase_if(lines, [](const std::string& line) { return line.find(" a ") == std::string::npos; });
    EXPECT_THAT(lines, ElementsAre("+0s scores a 1 by event", "+10m scores a 2 by schedule",
                                   "+2h9m1ms alerts a opened by silence", "+2h9m1ms scores a 2 by silence"));
  }
}

// With the threshold of another customer in the registers this one would be woken at another time.
TEST_F(PipelineOperatorTest, ANeighbourChangesNoTimer) {
  std::vector<TimeMs> timers[2];
  for (bool with_neighbour : {false, true}) {
    Start(CallsPlan(true));
    Add(0, "a");
    for (int i = 1; with_neighbour && i < 6; ++i) Add(i, "b");
    Add(10, "a", 1);
    Until(10);
    timers[with_neighbour].push_back(task_->rows().Find(HashKey("a"), "a")->next_timer - kT);
  }
  EXPECT_EQ(timers[0], timers[1]);
  EXPECT_THAT(timers[0], ElementsAre(kHour + 1));
}

TEST_F(PipelineOperatorTest, ScoresAtChangesOfBandOnly) {
  Plan plan = CallsPlan();
  plan.alerts.clear();
  plan.deadlines.clear();
  plan.outputs.scores = OutputPlan::Scores::kBandChange;
  Start(plan);
  for (int i = 0; i < 4; ++i) Add(i);
  EXPECT_THAT(Until(10), ElementsAre("+0s scores c 1 by event", "+1ms scores c 2 by event"));
  plan.outputs.scores = OutputPlan::Scores::kNone;
  Start(plan);
  Add(0);
  EXPECT_THAT(Until(10), IsEmpty());
}

TEST_F(PipelineOperatorTest, HeldOutCustomersGoToTheShadow) {
  Plan plan = CallsPlan();
  plan.outputs.scores = OutputPlan::Scores::kNone;
  plan.alerts[0].holdout_basis_points = 5000;
  Start(plan);
  int held_out = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string key = fmt::format("c{}", i);
    Add(i, key);
    held_out += HoldoutBucket(plan, plan.alerts[0], key) < 5000;
  }
  int shadow = 0;
  for (const std::string& line : Until(kDay)) shadow += line.find(" shadow ") != std::string::npos;
  EXPECT_EQ(shadow, held_out);
  EXPECT_GT(held_out, 20);
  EXPECT_EQ(Counters().at("alert.silent.holdout"), held_out);
  EXPECT_EQ(Counters().at("alert.silent.opened"), 100);
}

TEST(PipelineTest, WhatDoesNotFitIsRefused) {
  Plan plan = CallsPlan();
  plan.windows[0] = {"long", 3000 * kDay, kHour};
  EXPECT_EQ(Pipeline::Build(plan).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PipelineTest, MeansAreExactSums) {
  EXPECT_TRUE(IsNull(MeanScore(0, 0, 0)));
  EXPECT_EQ(MeanScore(2, 256, 0), 0.5);
  EXPECT_EQ(MeanScore(1, -256, 0), -1);
  EXPECT_EQ(MeanScore(4, 255, int64_t{1} << 32), 0.25);
}

}  // namespace
}  // namespace ebb
