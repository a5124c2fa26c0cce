// Evaluation, timers and counting.
#include "operators/pipeline_operator.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace ebb {
namespace {

// Counters that every pipeline has, before those of scores and alerts.
enum Counter { kEvaluations, kExactOverflows, kIdOverflows, kCounters };

// Cells of the evaluation.
enum Cell { kLastEvaluation, kLastRecord, kDeferred, kSchedule, kDeadline, kCells };

constexpr double kSumUnit = 0x1.0p40;
constexpr double kLargestScore = 0x1.0p22;  // beyond it the mean is clipped
constexpr DurationMs kDefaultHorizon = 30 * kDay;
constexpr double kLongestThreshold = 4e13;  // ms, over a thousand years

}  // namespace

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Build(Plan plan) {
  auto pipeline = std::make_unique<Pipeline>();
  pipeline->plan_ = std::move(plan);
  const Plan& p = pipeline->plan_;
  RowLayoutBuilder layout;
  pipeline->cells_ = layout.AddCells("evaluation", kCells);
  pipeline->score_cells_ = layout.AddCells("scores", 2 * static_cast<int>(p.scores.size()));
  for (const ScorePlan& score : p.scores) pipeline->scores_.emplace_back(&score, &p.program);
  for (const AlertPlan& alert : p.alerts) {
    pipeline->alerts_.emplace_back(&alert);
    pipeline->alerts_.back().Declare(&layout);
  }
  if (!p.dedup.empty()) pipeline->seen_ids_.resize(p.sources.size());
  for (const DedupPlan& dedup : p.dedup) {
    pipeline->seen_ids_[dedup.source] = std::make_unique<SeenIds>(dedup, p.sources[dedup.source], &layout);
  }
  auto features = FeatureSet::Build(p, &layout);
  if (!features.ok()) return features.status();
  pipeline->features_ = *std::move(features);
  pipeline->layout_ = layout.Build();
  for (const WindowPlan& window : p.windows) {
    pipeline->horizon_ = std::max(pipeline->horizon_, window.length == 0 ? 0 : window.length + window.tile);
  }
  if (pipeline->horizon_ == 0) pipeline->horizon_ = kDefaultHorizon;
  for (const DeadlinePlan& deadline : p.deadlines) {
    if (IsNull(p.program.initial[deadline.threshold])) pipeline->fixed_deadlines_ = false;
  }
  return pipeline;
}

void Pipeline::Compute(RowRef* row, TimeMs now, double* registers) const {
  features_->Read(row, now, registers);
  plan_.program.Run(plan_.derived.begin, plan_.derived.end, registers);
  for (const Scorecard& score : scores_) score.Evaluate(registers);
}

TimeMs Pipeline::LastRecord(const RowRef& row) const { return row.cells()[cells_ + kLastRecord]; }

double MeanScore(int64_t evaluations, int64_t sum_high, int64_t sum_low) {
  if (evaluations == 0) return kNull;
  const __int128_t sum = (static_cast<__int128_t>(sum_high) << 32) + sum_low;
  return static_cast<double>(sum) / kSumUnit / static_cast<double>(evaluations);
}

// Confined to its task's thread.
class PipelineOperator : public Operator {
 public:
  explicit PipelineOperator(const Pipeline& pipeline)
      : pipeline_(pipeline),
        plan_(pipeline.plan()),
        registers_(plan_.program.initial),
        counters_(CounterNames().size(), 0) {
    size_t next = counters_.size();
    for (size_t i = plan_.alerts.size(); i-- > 0;) {
      if (plan_.alerts[i].score >= 0) next -= ReasonCodes(plan_.scores[plan_.alerts[i].score]).size();
      reason_counters_.insert(reason_counters_.begin(), next);
    }
  }

  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    const TimeMs now = record.effective;
    if (!pipeline_.seen_ids_.empty() && IsDuplicate(record, row, now)) return Effect::kDuplicate;
    pipeline_.features_->Update(record, row, now);
    int64_t* cell = row->cells() + pipeline_.cells_;
    cell[kLastRecord] = now;
    const DurationMs pause = plan_.evaluate.at_most_every;
    if ((plan_.evaluate.on_sources >> record.source & 1) == 0) {
      if (!pipeline_.fixed_deadlines_) Compute(row, now);
    } else if (pause > 0 && cell[kLastEvaluation] != 0 && now < cell[kLastEvaluation] + pause) {
      cell[kDeferred] = cell[kLastEvaluation] + pause;
      if (!pipeline_.fixed_deadlines_) Compute(row, now);
    } else {
      Evaluate({TriggerKind::kEvent, record.source, record.time, record.late}, row, now, outputs);
    }
    SetTimers(row, now);
    return Effect::kUsed;
  }

  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    const int64_t* cell = row->cells() + pipeline_.cells_;
    const auto due = [now](TimeMs time) { return time != 0 && time <= now; };
    const bool silence = due(cell[kDeadline]);
    const Trigger trigger{silence ? TriggerKind::kSilence : TriggerKind::kSchedule, -1, now, false};
    if (silence || due(cell[kDeferred]) || due(cell[kSchedule])) {
      Evaluate(trigger, row, now, outputs);
    } else {
      Compute(row, now);
      ExpireAlerts(trigger, row, now, outputs);
      if (NextDeadline(*row, now) == now) Evaluate({TriggerKind::kSilence, -1, now, false}, row, now, outputs);
    }
    SetTimers(row, now);
  }

  void Prefetch(const Record& record, const RowRef& row) const override { pipeline_.features_->Prefetch(record, row); }

  std::vector<std::string> CounterNames() const override {
    std::vector<std::string> names = {"evaluations", "exact_overflows", "id_overflows"};
    for (const ScorePlan& score : plan_.scores) {
      for (const char* what : {"evaluations", "sum_high", "sum_low"})
        names.push_back(fmt::format("score.{}.{}", score.name, what));
    }
    for (const AlertPlan& alert : plan_.alerts) {
      for (const char* what :
           {"condition", "opened", "escalated", "resolved", "expired", "unconfirmed", "cooldown", "holdout"}) {
        names.push_back(fmt::format("alert.{}.{}", alert.name, what));
      }
    }
    for (const AlertPlan& alert : plan_.alerts) {
      if (alert.score < 0) continue;
      for (const std::string& code : ReasonCodes(plan_.scores[alert.score])) {
        names.push_back(fmt::format("alert.{}.reason.{}", alert.name, code));
      }
    }
    return names;
  }
  const std::vector<int64_t>& counters() const override { return counters_; }

 private:
  int64_t& Count(size_t alert, AlertCounter what) {
    return counters_[kCounters + plan_.scores.size() * static_cast<size_t>(ScoreCounter::kCount) +
                     alert * static_cast<size_t>(AlertCounter::kCount) + static_cast<size_t>(what)];
  }

  bool IsDuplicate(const Record& record, RowRef* row, TimeMs now) {
    const SeenIds* ids = pipeline_.seen_ids_[record.source].get();
    if (ids == nullptr) return false;
    const SeenIds::Verdict verdict = ids->Look(record, row, now);
    counters_[kIdOverflows] += verdict == SeenIds::Verdict::kFirstButFull;
    return verdict == SeenIds::Verdict::kAgain;
  }

  // Everything that registers hold, thresholds of silence conditions included.
  void Compute(RowRef* row, TimeMs now) {
    pipeline_.Compute(row, now, registers_.data());
    const Segment segment = alert_segment();
    plan_.program.Run(segment.begin, segment.end, registers_.data());
  }

  void Evaluate(const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    Compute(row, now);
    ++counters_[kEvaluations];
    counters_[kExactOverflows] += pipeline_.features_->Overflowed(*row, now);
    int64_t* cell = row->cells() + pipeline_.cells_;
    ExpireAlerts(trigger, row, now, outputs);
    for (size_t i = 0; i < pipeline_.alerts_.size(); ++i) EvaluateAlert(i, trigger, row, now, outputs);
    for (size_t i = 0; i < pipeline_.scores_.size(); ++i) KeepScore(i, trigger, row, now, outputs);
    cell[kLastEvaluation] = now;
    cell[kDeferred] = 0;
  }

  // The alerts' segments lie behind one another.
  Segment alert_segment() const {
    if (plan_.alerts.empty()) return {};
    return {plan_.alerts.front().segment.begin, plan_.alerts.back().segment.end};
  }

  // The score of the evaluation before this one.
  double Previous(int score, const RowRef& row) const {
    if (score < 0) return kNull;
    const int64_t* cell = row.cells() + pipeline_.score_cells_ + 2 * score;
    return cell[0] == 0 ? kNull : std::bit_cast<double>(cell[1]);
  }

  void EvaluateAlert(size_t index, const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    const AlertRule& rule = pipeline_.alerts_[index];
    const EpisodeStep step = rule.Evaluate(registers_.data(), row, now, pipeline_.LastRecord(*row));
    Count(index, AlertCounter::kCondition) += step.condition;
    if (step.suppressed == Suppressed::kUnconfirmed) ++Count(index, AlertCounter::kUnconfirmed);
    if (step.suppressed == Suppressed::kCooldown) ++Count(index, AlertCounter::kCooldown);
    const AlertPlan& plan = rule.plan();
    switch (step.event) {
      case EpisodeEvent::kNone:
        break;
      case EpisodeEvent::kOpened:
        ++Count(index, AlertCounter::kOpened);
        NoteReason(index, row);
        Write(index, step.event, trigger, row, now, outputs);
        break;
      case EpisodeEvent::kEscalated:
        ++Count(index, AlertCounter::kEscalated);
        if (plan.on_escalated) Write(index, step.event, trigger, row, now, outputs);
        break;
      case EpisodeEvent::kResolved:
        ++Count(index, AlertCounter::kResolved);
        if (plan.on_resolved) Write(index, step.event, trigger, row, now, outputs);
        break;
      case EpisodeEvent::kExpired:
        break;  // ExpireAlerts came first
    }
  }

  // Keeps and counts the main reason of an episode that has just been opened.
  void NoteReason(size_t index, RowRef* row) {
    const AlertRule& rule = pipeline_.alerts_[index];
    int reason = -1;
    if (rule.plan().score >= 0) {
      const Scorecard& score = pipeline_.scores_[rule.plan().score];
      const std::vector<Contribution> reasons = score.Explain(registers_.data());
      const std::vector<std::string> codes = ReasonCodes(score.plan());
      for (size_t c = 0; !reasons.empty() && c < codes.size(); ++c) {
        if (codes[c] == reasons[0].code) reason = static_cast<int>(c);
      }
    }
    rule.SetReason(row, reason);
    if (reason >= 0) ++counters_[reason_counters_[index] + reason];
  }

  void ExpireAlerts(const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    for (size_t i = 0; i < pipeline_.alerts_.size(); ++i) {
      const AlertRule& rule = pipeline_.alerts_[i];
      if (!rule.Expire(row, now)) continue;
      ++Count(i, AlertCounter::kExpired);
      if (rule.plan().on_expired) Write(i, EpisodeEvent::kExpired, trigger, row, now, outputs);
    }
  }

  void Write(size_t index, EpisodeEvent event, const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    const AlertRule& rule = pipeline_.alerts_[index];
    const AlertPlan& alert = rule.plan();
    const bool holdout =
        alert.holdout_basis_points > 0 && HoldoutBucket(plan_, alert, row->key()) < alert.holdout_basis_points;
    if (holdout && event == EpisodeEvent::kOpened) ++Count(index, AlertCounter::kHoldout);
    line_.clear();
    AppendAlert(plan_,
                {&alert, event, rule.View(*row), row->key(), trigger, now, registers_.data(),
                 alert.score < 0 ? nullptr : &pipeline_.scores_[alert.score], Previous(alert.score, *row)},
                &line_);
    outputs->Emit(holdout ? Stream::kShadow : Stream::kAlerts, line_);
  }

  void KeepScore(size_t index, const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    const Scorecard& score = pipeline_.scores_[index];
    const double value = registers_[score.plan().target];
    const double previous = Previous(static_cast<int>(index), *row);
    int64_t* counter = &counters_[kCounters + index * static_cast<size_t>(ScoreCounter::kCount)];
    if (!IsNull(value)) {
      ++counter[0];
      const auto scaled =
          static_cast<int64_t>(std::nearbyint(std::clamp(value, -kLargestScore, kLargestScore) * kSumUnit));
      const __int128_t sum = (static_cast<__int128_t>(counter[1]) << 32) + counter[2] + scaled;
      counter[1] = static_cast<int64_t>(sum >> 32);
      counter[2] = static_cast<int64_t>(sum & 0xFFFFFFFF);
    }
    const bool write = plan_.outputs.scores == OutputPlan::Scores::kEvery ||
                       (plan_.outputs.scores == OutputPlan::Scores::kBandChange &&
                        (IsNull(previous) || score.Band(previous) != score.Band(value)));
    if (write) {
      line_.clear();
      AppendScore(plan_, {&score, row->key(), trigger, now, registers_.data(), previous}, &line_);
      outputs->Emit(Stream::kScores, line_);
    }
    int64_t* cell = row->cells() + pipeline_.score_cells_ + 2 * index;
    cell[0] = IsNull(value) ? 0 : 1;
    cell[1] = IsNull(value) ? 0 : std::bit_cast<int64_t>(value);
  }

  // The first instant from `now` on, or after it when the row was evaluated at `now`, at which a silence condition
  // turns true; 0 when there is none.
  TimeMs NextDeadline(const RowRef& row, TimeMs now) const {
    const bool evaluated = row.cells()[pipeline_.cells_ + kLastEvaluation] == now;
    TimeMs next = 0;
    for (const DeadlinePlan& deadline : plan_.deadlines) {
      const TimeMs origin = pipeline_.features_->Origin(row, deadline.measure);
      const double threshold = registers_[deadline.threshold];
      if (origin == 0 || !(threshold < kLongestThreshold) || threshold < 0) continue;
      const double first = deadline.strict ? std::floor(threshold) + 1 : std::ceil(threshold);
      const TimeMs at = origin + static_cast<DurationMs>(first);
      if (at >= now + evaluated && (next == 0 || at < next)) next = at;
    }
    return next;
  }

  // When the row is evaluated next without a record and without a deadline; 0: never. `cell`: of the evaluation.
  TimeMs NextSchedule(const int64_t* cell, TimeMs now) const {
    const EvaluatePlan& evaluate = plan_.evaluate;
    const TimeMs last = cell[kLastEvaluation];
    if (last - cell[kLastRecord] > pipeline_.horizon_) return 0;
    TimeMs next = kAfterTime;
    if (evaluate.also_every > 0 && last != 0) next = last + evaluate.also_every;
    // A customer who was never evaluated waits for the first close after the last record.
    const TimeMs since = last != 0 ? last : cell[kLastRecord];
    for (const ClosePlan& close : evaluate.at_close) {
      next = std::min(next, (FloorDiv(since - close.offset, close.period) + 1) * close.period + close.offset);
    }
    // A record may come long after the schedule stopped: what is overdue is due now.
    return next == kAfterTime ? 0 : std::max(next, now);
  }

  void SetTimers(RowRef* row, TimeMs now) {
    int64_t* cell = row->cells() + pipeline_.cells_;
    cell[kDeadline] = NextDeadline(*row, now);
    cell[kSchedule] = NextSchedule(cell, now);
    TimeMs next = kAfterTime;
    for (TimeMs time : {cell[kDeadline], cell[kSchedule], cell[kDeferred]}) {
      if (time != 0) next = std::min(next, time);
    }
    for (const AlertRule& alert : pipeline_.alerts_) next = std::min(next, alert.NextTimer(*row));
    (*row)->next_timer = next;
  }

  const Pipeline& pipeline_;
  const Plan& plan_;
  std::vector<double> registers_;
  std::vector<int64_t> counters_;
  std::vector<size_t> reason_counters_;  // by alert: its first
  std::string line_;
};

std::unique_ptr<Operator> Pipeline::NewOperator() const { return std::make_unique<PipelineOperator>(*this); }

}  // namespace ebb
