// Summing and explaining points.
#include "operators/score/scorecard.h"

#include <algorithm>
#include <cmath>

#include "engine/base/math.h"

namespace ebb {

std::vector<std::string> ReasonCodes(const ScorePlan& plan) {
  std::vector<std::string> codes;
  for (const PointPlan& point : plan.points) {
    if (!point.reason.empty() && std::find(codes.begin(), codes.end(), point.reason) == codes.end()) {
      codes.push_back(point.reason);
    }
  }
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
  const double score = plan_->logistic ? Logistic(sum) : sum;
  registers[plan_->target] = std::isfinite(score) ? score : kNull;
  return registers[plan_->target];
}

std::vector<Contribution> Scorecard::Explain(const double* registers) const {
  std::vector<Contribution> reasons;
  std::vector<double> largest;  // term of each reason so far
  for (size_t i = 0; i < terms_.size(); ++i) {
    const PointPlan& point = plan_->points[i];
    const double term = terms_[i].Of(registers);
    if (point.reason.empty() || term == 0) continue;
    size_t at = 0;
    while (at < reasons.size() && reasons[at].code != point.reason) ++at;
    if (at == reasons.size()) {
      reasons.push_back({point.reason, 0, 0, point.feature});
      largest.push_back(term);
    }
    reasons[at].amount += term;
    if (term > largest[at]) {
      largest[at] = term;
      reasons[at].feature = point.feature;
    }
  }
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
