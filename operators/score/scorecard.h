// A score: intercept plus points for conditions that hold, plus weighted values, or the terms of a model file; as
// log-odds turned into a probability (link: logistic, or a calibration) or as it is (link: none). Terms are added in
// the order of the file. Contributions are exact: they are the terms themselves.
#pragma once

#include <string>
#include <vector>

#include "operators/plan.h"

namespace ebb {

// What one reason added to the score.
struct Contribution {
  std::string code;
  double amount = 0;  // in the score's sum: log-odds for a logistic link
  double share = 0;   // of all positive contributions, 0..1
  int feature = -1;   // index into Plan::features of its largest term; -1: none
  int baseline = -1;  // register of that feature's baseline; -1: none
};

// What a term of a model adds to the sum.
double TermOf(const TermPlan& term, const double* registers);
// The probability that a calibration makes of a sum.
double Calibrated(const CalibrationPlan& calibration, double sum);

// The reason codes of a score in the order of its points and terms, each once.
std::vector<std::string> ReasonCodes(const ScorePlan& plan);

// Immutable after construction.
class Scorecard {
 public:
  Scorecard(const ScorePlan* plan, const Program* program);

  // Computes conditions and values from the features' registers, writes the score to its register and returns it.
  double Evaluate(double* registers) const;
  // Why: contributions by reason code, largest first, positive ones only. Registers as Evaluate left them.
  std::vector<Contribution> Explain(const double* registers) const;
  // Index of the band that a score falls into, -1 below all.
  int Band(double score) const;
  const ScorePlan& plan() const { return *plan_; }

 private:
  // What Evaluate needs of a point, close together: it runs at every event.
  struct Term {
    int condition, value;
    double weight;
    // 0 when the condition doesn't hold or the value is null.
    double Of(const double* registers) const {
      if (condition >= 0 && registers[condition] != 1) return 0;
      if (value < 0) return weight;
      return IsNull(registers[value]) ? 0 : weight * registers[value];
    }
  };

  const ScorePlan* plan_;
  const Program* program_;
  std::vector<Term> terms_;
  bool weights_only_ = true;  // every term is a weighted value without a condition
};

}  // namespace ebb
