// Evaluation, timers and counting.
#include "operators/pipeline_operator.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "engine/base/status_macros.h"
#include "engine/task/task.h"
#include "operators/feature/population.h"

namespace ebb {
namespace {

// Counters that every pipeline has, before those of scores and alerts.
enum Counter { kEvaluations, kExactOverflows, kIdOverflows, kCounters };

// Cells of one evaluation.
enum Cell { kLastEvaluation, kDeferred, kSchedule, kDeadline, kCells };

constexpr double kSumUnit = 0x1.0p40;
constexpr double kLargestScore = 0x1.0p22;  // beyond it the mean is clipped
constexpr DurationMs kDefaultHorizon = 30 * kDay;
constexpr double kLongestThreshold = 4e13;  // ms, over a thousand years
constexpr double kLatestBase = 1e15;        // ms since 1970, beyond every time of a field

}  // namespace

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Build(Plan plan) {
  auto pipeline = std::make_unique<Pipeline>();
  pipeline->plan_ = std::move(plan);
  const Plan& p = pipeline->plan_;
  RowLayoutBuilder layout;
  pipeline->record_cell_ = layout.AddCells("last_record", 1);
  pipeline->cells_ = layout.AddCells("evaluation", kCells * p.evaluation_count());
  pipeline->score_cells_ = layout.AddCells("scores", 2 * static_cast<int>(p.scores.size()));
  if (p.customer_limit.alerts > 0) pipeline->limit_cells_ = layout.AddCells("limit", p.customer_limit.alerts);
  for (const ScorePlan& score : p.scores) pipeline->scores_.emplace_back(&score, &p.program);
  for (const AlertPlan& alert : p.alerts) {
    pipeline->alerts_.emplace_back(&alert);
    pipeline->alerts_.back().Declare(&layout);
  }
  if (!p.dedup.empty()) pipeline->seen_ids_.resize(p.sources.size());
  for (const DedupPlan& dedup : p.dedup) {
    pipeline->seen_ids_[dedup.source] = std::make_unique<SeenIds>(dedup, p.sources[dedup.source], &layout);
  }
  pipeline->references_.resize(p.sources.size());
  for (const ReferencePlan& reference : p.references) {
    pipeline->references_[reference.source] =
        std::make_unique<ReferenceRow>(reference, p.sources[reference.source], &layout);
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
    const bool fixed = deadline.base < 0 && !IsNull(p.program.initial[deadline.threshold]);
    pipeline->fixed_deadlines_ = pipeline->fixed_deadlines_ && fixed;
  }
  return pipeline;
}

void Pipeline::Compute(RowRef* row, TimeMs now, double* registers) const {
  features_->Read(row, now, registers);
  for (const ReferencePlan& reference : plan_.references) references_[reference.source]->Read(*row, registers);
  if (plan_.builtins.now >= 0) registers[plan_.builtins.now] = static_cast<double>(now);
  plan_.program.Run(plan_.derived.begin, plan_.derived.end, registers);
  for (const Scorecard& score : scores_) score.Evaluate(registers);
}

std::vector<double> Pipeline::NewRegisters(const std::vector<int64_t>& told) const {
  std::vector<double> registers = plan_.program.initial;
  for (size_t i = 0; i < told.size(); ++i) registers[plan_.populations[i].target] = std::bit_cast<double>(told[i]);
  return registers;
}

TimeMs Pipeline::LastRecord(const RowRef& row) const { return row.cells()[record_cell_]; }

double Pipeline::PreviousScore(int score, const RowRef& row) const {
  if (score < 0) return kNull;
  const int64_t* cell = row.cells() + score_cells_ + 2 * score;
  return cell[0] == 0 ? kNull : std::bit_cast<double>(cell[1]);
}

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
        evaluations_(plan_.evaluation_count()),
        registers_(plan_.program.initial),
        counters_(CounterNames().size(), 0),
        desk_(&pipeline, &counters_, kCounters + plan_.scores.size() * static_cast<size_t>(ScoreCounter::kCount)) {}

  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    const TimeMs now = record.effective;
    if (!pipeline_.seen_ids_.empty() && IsDuplicate(record, row, now)) return Effect::kDuplicate;
    if (const ReferenceRow* reference = pipeline_.references_[record.source].get(); reference != nullptr) {
      reference->Update(record, row);
    } else {
      pipeline_.features_->Update(record, row, now);
      row->cells()[pipeline_.record_cell_] = now;
    }
    uint64_t due = 0;
    for (int e = 0; e < evaluations_; ++e) {
      const EvaluatePlan& plan = plan_.evaluation(e);
      if ((plan.on_sources >> record.source & 1) == 0) continue;
      int64_t* cell = CellsOf(e, *row);
      if (plan.at_most_every > 0 && cell[kLastEvaluation] != 0 && now < cell[kLastEvaluation] + plan.at_most_every) {
        cell[kDeferred] = cell[kLastEvaluation] + plan.at_most_every;
      } else {
        due |= uint64_t{1} << e;
      }
    }
    if (due != 0) {
      Compute(row, now);
      Evaluate(due, {TriggerKind::kEvent, record.source, record.time, record.late}, row, now, outputs);
    } else if (!pipeline_.fixed_deadlines_) {
      Compute(row, now);
    }
    SetTimers(row, now, now);
    return Effect::kUsed;
  }

  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    const auto due = [now](TimeMs time) { return time != 0 && time <= now; };
    uint64_t silent = 0, scheduled = 0;
    for (int e = 0; e < evaluations_; ++e) {
      const int64_t* cell = CellsOf(e, *row);
      if (due(cell[kDeadline])) {
        silent |= uint64_t{1} << e;
      } else if (due(cell[kDeferred]) || due(cell[kSchedule])) {
        scheduled |= uint64_t{1} << e;
      }
    }
    const Trigger silence{TriggerKind::kSilence, -1, now, false}, schedule{TriggerKind::kSchedule, -1, now, false};
    Compute(row, now);
    desk_.Expire({silent != 0 ? silence : schedule, row, now, registers_.data(), outputs});
    Evaluate(silent, silence, row, now, outputs);
    Evaluate(scheduled, schedule, row, now, outputs);
    // A threshold that moves may have come to this very instant.
    for (int e = 0; e < evaluations_; ++e) {
      const bool done = ((silent | scheduled) >> e & 1) != 0;
      if (!done && NextDeadline(e, *row, now) == now) Evaluate(uint64_t{1} << e, silence, row, now, outputs);
    }
    if (desk_.waits()) {
      desk_.EndWaits({{TriggerKind::kSchedule, -1, now, false}, row, now, registers_.data(), outputs});
    }
    SetTimers(row, now, now + 1);
  }

  std::vector<Bid> TakeBids() { return desk_.TakeBids(); }
  // At a meeting, after the last millisecond `now` of the bid's period; true when the bid used a place.
  bool Settle(const Bid& bid, bool place_left, TimeMs now, RowRef* row, Outputs* outputs) {
    Compute(row, now);
    const Trigger trigger{TriggerKind::kSchedule, -1, now, false};
    const bool placed = desk_.Settle(bid, place_left, {trigger, row, now, registers_.data(), outputs});
    SetTimers(row, now, now + 1);
    return placed;
  }

  void Prefetch(const Record& record, const RowRef& row) const override { pipeline_.features_->Prefetch(record, row); }

  std::vector<std::string> CounterNames() const override {
    std::vector<std::string> names = {"evaluations", "exact_overflows", "id_overflows"};
    for (const ScorePlan& score : plan_.scores) {
      for (const char* what : {"evaluations", "sum_high", "sum_low"})
        names.push_back(fmt::format("score.{}.{}", score.name, what));
    }
    for (std::string& name : AlertDesk::CounterNames(plan_)) names.push_back(std::move(name));
    return names;
  }
  const std::vector<int64_t>& counters() const override { return counters_; }
  std::vector<int64_t> told() const override {
    std::vector<int64_t> told;
    for (const PopulationPlan& plan : plan_.populations)
      told.push_back(std::bit_cast<int64_t>(registers_[plan.target]));
    return told;
  }
  void Tell(TimeMs /*since*/, const std::vector<int64_t>& told) override { registers_ = pipeline_.NewRegisters(told); }
  void AddCounters(Counters* sums) const override {
    Operator::AddCounters(sums);
    for (size_t i = 0; i < plan_.scores.size(); ++i) {
      const size_t first = kCounters + i * static_cast<size_t>(ScoreCounter::kCount);
      int64_t& low = (*sums)[first + static_cast<size_t>(ScoreCounter::kSumLow)].second;
      (*sums)[first + static_cast<size_t>(ScoreCounter::kSumHigh)].second += low >> 32;
      low &= 0xFFFFFFFF;
    }
  }

 private:
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

  int64_t* CellsOf(int evaluation, const RowRef& row) const {
    return row.cells() + pipeline_.cells_ + evaluation * kCells;
  }

  // The evaluations whose bits are set, after Compute.
  void Evaluate(uint64_t evaluations, const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    if (evaluations == 0) return;
    counters_[kExactOverflows] += pipeline_.features_->Overflowed(*row, now);
    const Moment moment{trigger, row, now, registers_.data(), outputs};
    desk_.Expire(moment);
    for (int e = 0; e < evaluations_; ++e) {
      if ((evaluations >> e & 1) == 0) continue;
      ++counters_[kEvaluations];
      desk_.Evaluate(moment, e);
      for (size_t i = 0; i < pipeline_.scores_.size(); ++i) {
        if (plan_.scores[i].evaluation == e) KeepScore(i, trigger, row, now, outputs);
      }
      int64_t* cell = CellsOf(e, *row);
      cell[kLastEvaluation] = now;
      cell[kDeferred] = 0;
    }
  }

  // The alerts' segments lie behind one another.
  Segment alert_segment() const {
    if (plan_.alerts.empty()) return {};
    return {plan_.alerts.front().segment.begin, plan_.alerts.back().segment.end};
  }

  void KeepScore(size_t index, const Trigger& trigger, RowRef* row, TimeMs now, Outputs* outputs) {
    const Scorecard& score = pipeline_.scores_[index];
    const double value = registers_[score.plan().target];
    const double previous = pipeline_.PreviousScore(static_cast<int>(index), *row);
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

  // When the comparison turns true; kBeforeTime when that is never, or not known.
  TimeMs InstantOf(const DeadlinePlan& deadline, const RowRef& row) const {
    double threshold = registers_[deadline.threshold];
    TimeMs origin;
    if (deadline.measure == DeadlinePlan::kNow) {
      const double base = registers_[deadline.base];
      if (!(std::fabs(base) < kLatestBase)) return kBeforeTime;
      origin = static_cast<TimeMs>(std::floor(base));
      threshold = (deadline.falling ? -threshold : threshold) + (base - std::floor(base));
      if (!(threshold > -kLongestThreshold)) return kBeforeTime;
    } else {
      origin = pipeline_.features_->Origin(row, deadline.measure);
      if (origin == 0 || threshold < 0) return kBeforeTime;
    }
    if (!(threshold < kLongestThreshold)) return kBeforeTime;
    const double first = deadline.strict ? std::floor(threshold) + 1 : std::ceil(threshold);
    return origin + static_cast<DurationMs>(first);
  }

  // The first instant from `now` on, or after it when this evaluation was at `now`, at which a silence condition of it
  // turns true; 0 when there is none.
  TimeMs NextDeadline(int evaluation, const RowRef& row, TimeMs now) const {
    const bool evaluated = CellsOf(evaluation, row)[kLastEvaluation] == now;
    TimeMs next = 0;
    for (const DeadlinePlan& deadline : plan_.deadlines) {
      if ((deadline.evaluations >> evaluation & 1) == 0) continue;
      const TimeMs at = InstantOf(deadline, row);
      if (at >= now + evaluated && (next == 0 || at < next)) next = at;
    }
    return next;
  }

  // When this evaluation takes place next without a record and without a deadline; 0: never.
  TimeMs NextSchedule(int evaluation, const RowRef& row, TimeMs now) const {
    const EvaluatePlan& evaluate = plan_.evaluation(evaluation);
    const TimeMs last = CellsOf(evaluation, row)[kLastEvaluation], last_record = pipeline_.LastRecord(row);
    if (last_record == 0 || last - last_record > pipeline_.horizon_) return 0;
    TimeMs next = kAfterTime;
    if (evaluate.also_every > 0 && last != 0) next = last + evaluate.also_every;
    // A customer who was never evaluated waits for the first close after the last record.
    const TimeMs since = last != 0 ? last : last_record;
    for (const ClosePlan& close : evaluate.at_close) {
      next = std::min(next, (FloorDiv(since - close.offset, close.period) + 1) * close.period + close.offset);
    }
    // A record may come long after the schedule stopped: what is overdue is due now.
    return next == kAfterTime ? 0 : std::max(next, now);
  }

  // The row's next timer lies at `first` or later: at `now` after a record, which comes before timers, else behind it.
  void SetTimers(RowRef* row, TimeMs now, TimeMs first) {
    TimeMs next = kAfterTime;
    for (int e = 0; e < evaluations_; ++e) {
      int64_t* cell = CellsOf(e, *row);
      cell[kDeadline] = NextDeadline(e, *row, now);
      cell[kSchedule] = NextSchedule(e, *row, now);
      for (TimeMs time : {cell[kDeadline], cell[kSchedule], cell[kDeferred]}) {
        if (time != 0) next = std::min(next, time);
      }
    }
    for (const AlertRule& alert : pipeline_.alerts_) next = std::min(next, alert.NextTimer(*row, first));
    (*row)->next_timer = next;
  }

  const Pipeline& pipeline_;
  const Plan& plan_;
  const int evaluations_;
  std::vector<double> registers_;
  std::vector<int64_t> counters_;
  AlertDesk desk_;
  std::string line_;
};

std::unique_ptr<Operator> Pipeline::NewOperator() const { return std::make_unique<PipelineOperator>(*this); }

Meeting Pipeline::NewMeeting(const BudgetShare& share) const {
  if (plan_.budgets.empty() && plan_.populations.empty()) return {};
  Meeting meeting;
  meeting.next = [this](TimeMs time) {
    return std::min(NextClose(plan_.budgets, time), NextPopulationClose(plan_.populations, time));
  };
  meeting.in_silence = !plan_.populations.empty();
  meeting.hold = [this, share](TimeMs at, const std::vector<Task*>& tasks) {
    GiveOutPlaces(at, share, tasks);
    return TakePopulations(at, tasks);
  };
  return meeting;
}

// 1. All tasks' bids, ranked. 2. Each in its turn is told whether there is a place left; held-out customers, and those
// who have reached their limit, use none.
void Pipeline::GiveOutPlaces(TimeMs at, const BudgetShare& share, const std::vector<Task*>& tasks) const {
  struct Placed {
    Bid bid;
    Task* task;
  };
  std::vector<Placed> bids;
  for (Task* task : tasks) {
    for (Bid& bid : static_cast<PipelineOperator&>(task->work().innermost()).TakeBids())
      bids.push_back({std::move(bid), task});
  }
  std::sort(bids.begin(), bids.end(), [](const Placed& a, const Placed& b) { return RanksBefore(a.bid, b.bid); });
  std::vector<int64_t> left;
  for (const BudgetPlan& budget : plan_.budgets) left.push_back(PlacesOf(budget, share));
  int64_t rank = 0;
  for (const auto& [bid, task] : bids) {
    task->AtMeeting(at - 1, bid.customer, rank++,
                    [&bid = bid, &left, at, work = &task->work().innermost()](RowRef* row, Outputs* out) {
                      int64_t& places = left[bid.budget];
                      places -= static_cast<PipelineOperator*>(work)->Settle(bid, places > 0, at - 1, row, out);
                    });
  }
}

// Rows are looked at in copies: looking moves a row's windows on, and what is stored must not depend on who has looked.
// Before the first row nothing is told: whether such a close is held depends on what was read at once.
absl::Status Pipeline::TakePopulations(TimeMs at, const std::vector<Task*>& tasks) const {
  std::vector<int64_t> told = tasks[0]->work().told();
  std::vector<size_t> closing;
  for (size_t i = 0; i < told.size(); ++i) {
    if (ClosesAt(plan_.populations[i], at)) closing.push_back(i);
  }
  const bool any = std::any_of(tasks.begin(), tasks.end(), [](Task* task) { return task->customers() > 0; });
  if (closing.empty() || !any) return absl::OkStatus();
  std::vector<std::vector<double>> values(closing.size());
  std::vector<double> registers = NewRegisters(told);
  EBB_RETURN_IF_ERROR(LookAtRows(tasks, [&](RowRef row) {
    if (LastRecord(row) == 0) return;
    Compute(&row, at - 1, registers.data());
    for (size_t n = 0; n < closing.size(); ++n) values[n].push_back(registers[plan_.populations[closing[n]].of]);
  }));
  for (size_t n = 0; n < closing.size(); ++n) {
    told[closing[n]] = std::bit_cast<int64_t>(StatisticOf(plan_.populations[closing[n]], std::move(values[n])));
  }
  for (Task* task : tasks) task->work().Tell(at, told);
  return absl::OkStatus();
}

}  // namespace ebb
