// The operator of a pipeline: features, scores and alerts on one row, evaluated on records and on timers.
//
// A record updates the features; if its source is among evaluate.on, scores and alerts are evaluated at its effective
// time (each evaluation of the plan its own), unless the last evaluation is less than at_most_every ago: then once at
// the end of that time. Timers evaluate too: also_every after the last evaluation and at the close of the periods of
// at_close, while the customer's windows can still change; and at the instant at which a condition `recency > X` turns
// true without any event, as does one at which `now` passes a time that the row holds. A record of a reference source
// changes what is known of the customer and evaluates likewise, but is no activity: it begins no tenure, ends no
// silence, and keeps no schedule going. An open alert whose validity ends is expired by a timer as well.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/meeting.h"
#include "engine/task/operator.h"
#include "operators/alert/alert_desk.h"
#include "operators/alert/alert_text.h"
#include "operators/alert/budget.h"
#include "operators/alert/episode.h"
#include "operators/feature/feature_set.h"
#include "operators/feature/reference_row.h"
#include "operators/plan.h"
#include "operators/score/scorecard.h"
#include "operators/window/seen_ids.h"

namespace ebb {

// Everything of a pipeline that its tasks share. Immutable after construction.
class Pipeline {
 public:
  // InvalidArgument when the features don't fit into a row.
  static absl::StatusOr<std::unique_ptr<Pipeline>> Build(Plan plan);

  const Plan& plan() const { return plan_; }
  const RowLayout& layout() const { return layout_; }
  const FeatureSet& features() const { return *features_; }
  const std::vector<Scorecard>& scores() const { return scores_; }
  const std::vector<AlertRule>& alerts() const { return alerts_; }

  // Features, derived features and scores as of `now`. `registers` began as those of NewRegisters.
  void Compute(RowRef* row, TimeMs now, double* registers) const;
  // With what meetings have told (Operator::told).
  std::vector<double> NewRegisters(const std::vector<int64_t>& told) const;
  // Effective time of the customer's last event; 0 when there was none.
  TimeMs LastRecord(const RowRef& row) const;
  // The score of the evaluation before; null when there was none, or for the score -1.
  double PreviousScore(int score, const RowRef& row) const;
  // Index of the cells with the customer's last openings; there are customer_limit.alerts of them.
  int limit_cells() const { return limit_cells_; }
  std::unique_ptr<Operator> NewOperator() const;
  // Where the tasks of a job give out the budgets' places, then take what is usual among their customers; without
  // budgets and features of the population an empty one. A job that is one of several which commit alone has a share of
  // each budget, and knows the population of its own customers.
  Meeting NewMeeting(const BudgetShare& share = {}) const;

 private:
  friend class PipelineOperator;

  void GiveOutPlaces(TimeMs at, const BudgetShare& share, const std::vector<Task*>& tasks) const;
  absl::Status TakePopulations(TimeMs at, const std::vector<Task*>& tasks) const;

  Plan plan_;
  RowLayout layout_;
  std::unique_ptr<FeatureSet> features_;
  std::vector<std::unique_ptr<SeenIds>> seen_ids_;         // by source; empty when no source has ids
  std::vector<std::unique_ptr<ReferenceRow>> references_;  // by source; null for sources of events
  std::vector<Scorecard> scores_;
  std::vector<AlertRule> alerts_;
  int record_cell_ = -1;
  int cells_ = -1;        // of the first evaluation; those of the others follow
  int score_cells_ = -1;  // two per score
  int limit_cells_ = -1;
  DurationMs horizon_ = 0;
  bool fixed_deadlines_ = true;  // all thresholds are constants, and none is a distance from a time of the row
};

// The counters of one score, in the order in which they are kept.
enum class ScoreCounter { kEvaluations, kSumHigh, kSumLow, kCount };

// The mean of a score over all evaluations: sums are kept as integers in units of 2^-40, exact in any order.
double MeanScore(int64_t evaluations, int64_t sum_high, int64_t sum_low);

}  // namespace ebb
