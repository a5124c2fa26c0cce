// Summing and explaining points.
#include "operators/score/scorecard.h"

#include <algorithm>
#include <cmath>

#include "engine/base/math.h"

namespace ebb {

double TermOf(const TermPlan& term, const double* registers) {
  if (IsNull(registers[term.value])) return term.missing;
  const double x = registers[term.value] / term.unit;
  if (term.values.empty()) return term.weight * (x - term.mean) / term.scale;
  return term.values[std::upper_bound(term.edges.begin(), term.edges.end(), x) - term.edges.begin()];
}

double Calibrated(const CalibrationPlan& calibration, double sum) {
  if (calibration.kind == CalibrationPlan::Kind::kPlatt) return Logistic(-(calibration.a * sum + calibration.b));
  const std::vector<double>&x = calibration.x, &y = calibration.y;
  const auto above = static_cast<size_t>(std::upper_bound(x.begin(), x.end(), sum) - x.begin());
  if (above == 0) return y.front();
  if (above == x.size()) return y.back();
  return y[above - 1] + (y[above] - y[above - 1]) * (sum - x[above - 1]) / (x[above] - x[above - 1]);
}

std::vector<std::string> ReasonCodes(const ScorePlan& plan) {
  std::vector<std::string> codes;
  const auto add = [&](const std::string& code) {
    if (!code.empty() && std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(code);
  };
  for (const PointPlan& point : plan.points) add(point.reason);
  for (const TermPlan& term : plan.terms) add(term.reason);
  return codes;
}

Scorecard::Scorecard(const ScorePlan* plan, const Program* program) : plan_(plan), program_(program) {
  for (const PointPlan& point : plan->points) {
    terms_.push_back({point.condition, point.value, point.weight});
    if (point.condition >= 0 || point.value < 0) weights_only_ = false;
  }
}

double Scorecard::Evaluate(double* registers) const {
  program_->Run(plan_->segment.begin, plan_->segment.end, registers);
  double sum = plan_->intercept;
  if (weights_only_) {
    for (const Term& term : terms_) {
      const double value = registers[term.value];
      sum += IsNull(value) ? 0 : term.weight * value;
    }
  } else {
    for (const Term& term : terms_) sum += term.Of(registers);
  }
  for (const TermPlan& term : plan_->terms) sum += TermOf(term, registers);
  double score = sum;
  if (plan_->calibration.kind != CalibrationPlan::Kind::kNone) {
    score = std::isfinite(sum) ? Calibrated(plan_->calibration, sum) : kNull;
  } else if (plan_->logistic) {
    score = Logistic(sum);
  }
  registers[plan_->target] = std::isfinite(score) ? score : kNull;
  return registers[plan_->target];
}

std::vector<Contribution> Scorecard::Explain(const double* registers) const {
  std::vector<Contribution> reasons;
  std::vector<double> largest;  // term of each reason so far
  const auto add = [&](const auto& plan, double term) {
    if (plan.reason.empty() || term == 0) return;
    size_t at = 0;
    while (at < reasons.size() && reasons[at].code != plan.reason) ++at;
    if (at == reasons.size()) {
      reasons.push_back({plan.reason, 0, 0, plan.feature, plan.baseline});
      largest.push_back(term);
    }
    reasons[at].amount += term;
    if (term > largest[at]) {
      largest[at] = term;
      reasons[at].feature = plan.feature;
      reasons[at].baseline = plan.baseline;
    }
  };
  for (size_t i = 0; i < terms_.size(); ++i) add(plan_->points[i], terms_[i].Of(registers));
  for (const TermPlan& term : plan_->terms) add(term, TermOf(term, registers));
  std::erase_if(reasons, [](const Contribution& c) { return !(c.amount > 0); });
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const Contribution& a, const Contribution& b) { return a.amount > b.amount; });
  double total = 0;
  for (const Contribution& reason : reasons) total += reason.amount;
  for (Contribution& reason : reasons) reason.share = reason.amount / total;
  return reasons;
}

int Scorecard::Band(double score) const {
  int band = -1;
  for (size_t i = 0; i < plan_->bands.size(); ++i) {
    if (score >= plan_->bands[i].second) band = static_cast<int>(i);
  }
  return band;
}

}  // namespace ebb
