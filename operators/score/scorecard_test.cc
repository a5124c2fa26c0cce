// Sums, links, reasons and bands.
#include "operators/score/scorecard.h"

#include <gtest/gtest.h>

#include "engine/base/math.h"

namespace ebb {
namespace {

// Registers 0..5 are inputs, 6 is the score.
constexpr int kTarget = 6;
constexpr int kNoCondition = -1;
constexpr int kNoValue = -1;

std::vector<double> Registers(std::vector<double> inputs) {
  inputs.resize(kTarget + 1, kNull);
  return inputs;
}

ScorePlan PlanOf(std::vector<PointPlan> points, bool logistic = false, double intercept = 0) {
  ScorePlan plan;
  plan.points = std::move(points);
  plan.logistic = logistic;
  plan.intercept = intercept;
  plan.target = kTarget;
  return plan;
}

double Score(const ScorePlan& plan, std::vector<double> inputs) {
  const Program program;
  std::vector<double> registers = Registers(std::move(inputs));
  const double score = Scorecard(&plan, &program).Evaluate(registers.data());
  EXPECT_TRUE(score == registers[kTarget] || (IsNull(score) && IsNull(registers[kTarget])));
  return score;
}

TEST(ScorecardTest, TermsAddUp) {
  const ScorePlan plan =
      PlanOf({{0, kNoValue, 2.0, "a", -1}, {kNoCondition, 1, -0.5, "b", -1}, {2, 1, 10, "c", -1}}, false, 1);
  EXPECT_EQ(Score(plan, {1, 4, 0}), 1 + 2 - 2);
  EXPECT_EQ(Score(plan, {0, 4, 1}), 1 - 2 + 40);
  EXPECT_EQ(Score(plan, {kNull, 4, 0}), 1 - 2) << "a null condition doesn't hold";
  EXPECT_EQ(Score(plan, {1, kNull, 1}), 1 + 2) << "a null value adds nothing";
  EXPECT_EQ(Score(PlanOf({}), {}), 0);
  EXPECT_EQ(Score(PlanOf({{kNoCondition, kNoValue, 3, "", -1}}), {}), 3) << "a point of weight alone";
}

TEST(ScorecardTest, LogisticLinkGivesAProbability) {
  const ScorePlan plan = PlanOf({{kNoCondition, 0, 1, "", -1}}, true, -1);
  EXPECT_EQ(Score(plan, {1}), 0.5);
  EXPECT_EQ(Score(plan, {3}), Logistic(2));
  EXPECT_GT(Score(plan, {1e9}), 0.999);
  EXPECT_LT(Score(plan, {-1e9}), 0.001);
}

TermPlan Bins(int value, std::vector<double> edges, std::vector<double> values, double missing) {
  TermPlan term;
  term.value = value;
  term.edges = std::move(edges);
  term.values = std::move(values);
  term.missing = missing;
  term.reason = "b";
  return term;
}

TEST(ScorecardTest, TermsOfAModel) {
  TermPlan linear;
  linear.value = 0;
  linear.unit = 1000;
  linear.weight = 2;
  linear.mean = 3;
  linear.scale = 4;
  linear.missing = -1;
  const TermPlan bins = Bins(1, {0, 10}, {1, 2, 3}, 9);
  struct Case {
    double x, y, linear, bins;
  };
  for (const Case& c : {Case{5000, -0.5, 1, 1}, Case{3000, 0, 0, 2}, Case{1000, 9.75, -1, 2}, Case{7000, 10, 2, 3},
                        Case{kNull, 1e300, -1, 3}, Case{3000, kNull, 0, 9}}) {
    const double registers[] = {c.x, c.y};
    EXPECT_EQ(TermOf(linear, registers), c.linear) << c.x;
    EXPECT_EQ(TermOf(bins, registers), c.bins) << c.y;
  }
  ScorePlan plan = PlanOf({}, false, 0.5);
  plan.terms = {linear, bins};
  EXPECT_EQ(Score(plan, {5000, 10}), 0.5 + 1 + 3);
}

// Platt's fit to the twenty values of the reference, on the score: A = -2.37203800, B = 2.50430282.
TEST(ScorecardTest, PlattCalibration) {
  CalibrationPlan platt;
  platt.kind = CalibrationPlan::Kind::kPlatt;
  platt.a = -2.372038;
  platt.b = 2.50430282;
  EXPECT_NEAR(Calibrated(platt, 0.95), 0.43761018129098095, 1e-15);
  platt.a = -1;
  platt.b = 0;
  EXPECT_EQ(Calibrated(platt, 1.5), Logistic(1.5)) << "a of -1 is the plain link";
  ScorePlan plan = PlanOf({{kNoCondition, 0, 1, "", -1}});
  plan.calibration = platt;
  EXPECT_EQ(Score(plan, {0}), 0.5);
  EXPECT_TRUE(IsNull(Score(PlanOf({{kNoCondition, 0, 1e300, "", -1}}), {1e300})));
}

TEST(ScorecardTest, IsotonicCalibration) {
  CalibrationPlan table;
  table.kind = CalibrationPlan::Kind::kIsotonic;
  table.x = {-1, 1, 3};
  table.y = {0, 0.5, 1};
  for (auto [x, y] :
       std::vector<std::pair<double, double>>{{-5, 0}, {-1, 0}, {0, 0.25}, {1, 0.5}, {2, 0.75}, {3, 1}, {1e300, 1}}) {
    EXPECT_EQ(Calibrated(table, x), y) << x;
  }
  table.x = {2};
  table.y = {0.25};
  EXPECT_EQ(Calibrated(table, 1), 0.25);
  EXPECT_EQ(Calibrated(table, 2), 0.25);
}

TEST(ScorecardTest, ModelsExplainThemselves) {
  ScorePlan plan = PlanOf({}, false);
  TermPlan first = Bins(0, {0}, {1, -1}, 0), second = Bins(1, {0}, {2, -2}, 0);
  first.feature = 0;
  second.feature = 1;
  second.baseline = 3;
  TermPlan other = Bins(0, {0}, {0.5, 0.5}, 0);
  other.reason = "c";
  plan.terms = {first, other, second};
  EXPECT_EQ(ReasonCodes(plan), (std::vector<std::string>{"b", "c"}));
  const Program program;
  const Scorecard card(&plan, &program);
  std::vector<double> registers = Registers({-1, -1});
  card.Evaluate(registers.data());
  const std::vector<Contribution> reasons = card.Explain(registers.data());
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].code, "b");
  EXPECT_EQ(reasons[0].amount, 3);
  EXPECT_EQ(reasons[0].feature, 1) << "of the largest term";
  EXPECT_EQ(reasons[0].baseline, 3);
  EXPECT_EQ(reasons[1].amount, 0.5);
}

TEST(ScorecardTest, ASumThatOverflowsIsNull) {
  EXPECT_TRUE(IsNull(Score(PlanOf({{kNoCondition, 0, 1e300, "", -1}}), {1e300})));
}

TEST(ScorecardTest, ConditionsComeFromItsSegment) {
  ProgramBuilder builder;
  const int value = builder.NewRegister();
  builder.Emit(Op::kAdd, value, value);  // belongs to somebody else
  const size_t begin = builder.position();
  const int condition = builder.Emit(Op::kLess, builder.Constant(5), value);
  ScorePlan plan = PlanOf({{condition, kNoValue, 1.5, "", -1}});
  plan.segment = {begin, builder.position()};
  plan.target = builder.NewRegister();
  const Program program = builder.Build();
  const Scorecard card(&plan, &program);
  std::vector<double> registers = program.initial;
  registers[value] = 6;
  EXPECT_EQ(card.Evaluate(registers.data()), 1.5);
  registers[value] = 5;
  EXPECT_EQ(card.Evaluate(registers.data()), 0);
}

TEST(ScorecardTest, ReasonsAreGroupedSortedAndShared) {
  const ScorePlan plan = PlanOf({{0, kNoValue, 1, "usage", 10},
                                 {1, kNoValue, 2, "billing", 11},
                                 {2, kNoValue, 3, "usage", 12},
                                 {3, kNoValue, -5, "loyalty", 13},
                                 {4, kNoValue, 7, "", 14},
                                 {kNoCondition, 5, 2, "care", 15}},
                                true, 100);
  const Program program;
  const Scorecard card(&plan, &program);
  std::vector<double> registers = Registers({1, 1, 1, 1, 1, 0});
  const std::vector<Contribution> reasons = card.Explain(registers.data());
  ASSERT_EQ(reasons.size(), 2u) << "negative, unnamed and zero terms are no reasons";
  EXPECT_EQ(reasons[0].code, "usage");
  EXPECT_EQ(reasons[0].amount, 4);
  EXPECT_EQ(reasons[0].feature, 12) << "of its largest term";
  EXPECT_EQ(reasons[0].share, 4.0 / 6);
  EXPECT_EQ(reasons[1].code, "billing");
  EXPECT_EQ(reasons[1].share, 2.0 / 6);
  EXPECT_TRUE(card.Explain(Registers({0, 0, 0, 1, 1, kNull}).data()).empty());
}

TEST(ScorecardTest, ReasonsOfEqualSizeKeepTheFilesOrderAndMixedSignsAreSummed) {
  const ScorePlan plan = PlanOf({{0, kNoValue, -1, "x", 1},
                                 {0, kNoValue, 2, "y", 2},
                                 {0, kNoValue, 3, "x", 3},
                                 {0, kNoValue, -9, "z", 4},
                                 {0, kNoValue, 8, "z", 5}});
  const Program program;
  const std::vector<Contribution> reasons = Scorecard(&plan, &program).Explain(Registers({1}).data());
  ASSERT_EQ(reasons.size(), 2u) << "z's sum is negative";
  EXPECT_EQ(reasons[0].code, "x");
  EXPECT_EQ(reasons[0].feature, 3);
  EXPECT_EQ(reasons[1].code, "y");
  EXPECT_EQ(reasons[0].share, 0.5);
}

TEST(ScorecardTest, Bands) {
  ScorePlan plan = PlanOf({});
  const Program program;
  EXPECT_EQ(Scorecard(&plan, &program).Band(1), -1) << "without bands";
  plan.bands = {{"low", 0.1}, {"medium", 0.4}, {"high", 0.7}};
  const Scorecard card(&plan, &program);
  for (const auto& [score, band] : std::initializer_list<std::pair<double, int>>{
           {0.0999, -1}, {0.1, 0}, {0.3999, 0}, {0.4, 1}, {0.7, 2}, {5, 2}, {kNull, -1}}) {
    EXPECT_EQ(card.Band(score), band) << score;
  }
}

}  // namespace
}  // namespace ebb
