// Deciding, counting, writing.
#include "operators/alert/alert_desk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "operators/alert/budget.h"
#include "operators/pipeline_operator.h"

namespace ebb {
namespace {

constexpr std::string_view kCounterNames[] = {"condition",      "opened",      "escalated", "updated", "resolved",
                                              "expired",        "unconfirmed", "cooldown",  "budget",  "quiet",
                                              "customer_limit", "withdrawn",   "holdout"};
static_assert(std::size(kCounterNames) == static_cast<size_t>(AlertCounter::kCount));

}  // namespace

std::string_view AlertCounterName(AlertCounter counter) { return kCounterNames[static_cast<size_t>(counter)]; }

AlertDesk::AlertDesk(const Pipeline* pipeline, std::vector<int64_t>* counters, size_t first)
    : pipeline_(*pipeline), plan_(pipeline->plan()), counters_(*counters), first_counter_(first) {
  size_t next = first + plan_.alerts.size() * static_cast<size_t>(AlertCounter::kCount);
  for (const AlertPlan& alert : plan_.alerts) {
    reason_counters_.push_back(next);
    if (alert.score >= 0) next += ReasonCodes(plan_.scores[alert.score]).size();
  }
  for (const AlertRule& rule : pipeline_.alerts()) waits_ |= rule.waits();
}

std::vector<std::string> AlertDesk::CounterNames(const Plan& plan) {
  std::vector<std::string> names;
  for (const AlertPlan& alert : plan.alerts) {
    for (std::string_view what : kCounterNames) names.push_back(fmt::format("alert.{}.{}", alert.name, what));
  }
  for (const AlertPlan& alert : plan.alerts) {
    if (alert.score < 0) continue;
    for (const std::string& code : ReasonCodes(plan.scores[alert.score])) {
      names.push_back(fmt::format("alert.{}.reason.{}", alert.name, code));
    }
  }
  return names;
}

int64_t& AlertDesk::Count(size_t rule, AlertCounter what) {
  return counters_[first_counter_ + rule * static_cast<size_t>(AlertCounter::kCount) + static_cast<size_t>(what)];
}

void AlertDesk::Expire(const Moment& moment) {
  for (size_t i = 0; i < plan_.alerts.size(); ++i) {
    if (!pipeline_.alerts()[i].Expire(moment.row, moment.now)) continue;
    ++Count(i, AlertCounter::kExpired);
    if (plan_.alerts[i].on_expired) Write(i, EpisodeEvent::kExpired, moment);
  }
}

void AlertDesk::Evaluate(const Moment& moment, int evaluation) {
  for (size_t i = 0; i < plan_.alerts.size(); ++i) {
    if (plan_.alerts[i].evaluation != evaluation) continue;
    const EpisodeStep step = pipeline_.alerts()[i].Evaluate(moment.registers, moment.row, moment.now);
    Count(i, AlertCounter::kCondition) += step.condition;
    Step(i, step, false, moment);
  }
  OpenReady(moment);
}

void AlertDesk::EndWaits(const Moment& moment) {
  for (size_t i = 0; i < plan_.alerts.size(); ++i) {
    const AlertRule& rule = pipeline_.alerts()[i];
    const EpisodeView view = rule.View(*moment.row);
    if (view.waiting == Waiting::kNo || view.wait_until > moment.now) continue;
    const EpisodeStep step = rule.EndWait(moment.registers, moment.row, moment.now);
    if (view.waiting == Waiting::kBudget && step.event == EpisodeEvent::kReady) {
      bids_.push_back(
          {plan_.alerts[i].budget, static_cast<int>(i), Priority(i, moment.registers), std::string(moment.row->key())});
    } else {
      Step(i, step, true, moment);
    }
  }
  OpenReady(moment);
}

std::vector<Bid> AlertDesk::TakeBids() { return std::exchange(bids_, {}); }

bool AlertDesk::Settle(const Bid& bid, bool place_left, const Moment& moment) {
  const auto rule = static_cast<size_t>(bid.rule);
  const bool limited = LimitReached(moment);
  if (place_left && !limited) return Open(rule, true, moment);
  ++Count(rule, place_left ? AlertCounter::kCustomerLimit : AlertCounter::kBudget);
  pipeline_.alerts()[rule].Wait(moment.row, Waiting::kBudget, moment.now + plan_.budgets[bid.budget].per);
  return false;
}

void AlertDesk::Step(size_t rule, const EpisodeStep& step, bool granted, const Moment& moment) {
  switch (step.suppressed) {
    case Suppressed::kNo:
      break;
    case Suppressed::kUnconfirmed:
      ++Count(rule, AlertCounter::kUnconfirmed);
      break;
    case Suppressed::kCooldown:
      ++Count(rule, AlertCounter::kCooldown);
      break;
    case Suppressed::kQuiet:
      ++Count(rule, AlertCounter::kQuiet);
      break;
    case Suppressed::kWithdrawn:
      ++Count(rule, AlertCounter::kWithdrawn);
      break;
  }
  const AlertPlan& plan = plan_.alerts[rule];
  switch (step.event) {
    case EpisodeEvent::kNone:
      if (plan.on_updated) CheckUpdate(rule, moment);
      break;
    case EpisodeEvent::kReady:
      ready_.push_back({static_cast<int>(rule), granted || plan.budget < 0});
      if (plan_.customer_limit.alerts == 0) OpenReady(moment);
      break;
    case EpisodeEvent::kEscalated:
      ++Count(rule, AlertCounter::kEscalated);
      if (plan.on_updated) pipeline_.alerts()[rule].SetReason(moment.row, MainReason(rule, moment.registers));
      if (plan.on_escalated) Write(rule, step.event, moment);
      break;
    case EpisodeEvent::kResolved:
      ++Count(rule, AlertCounter::kResolved);
      if (plan.on_resolved) Write(rule, step.event, moment);
      break;
    case EpisodeEvent::kOpened:
    case EpisodeEvent::kUpdated:
    case EpisodeEvent::kExpired:
      break;  // no rule does these by itself
  }
}

void AlertDesk::OpenReady(const Moment& moment) {
  if (ready_.size() > 1) {
    std::stable_sort(ready_.begin(), ready_.end(), [&](const Ready& a, const Ready& b) {
      return RanksBefore(Priority(a.rule, moment.registers), Priority(b.rule, moment.registers));
    });
  }
  for (const Ready& ready : ready_) Open(ready.rule, ready.granted, moment);
  ready_.clear();
}

bool AlertDesk::Open(size_t rule, bool granted, const Moment& moment) {
  const AlertRule& episode = pipeline_.alerts()[rule];
  const AlertPlan& plan = plan_.alerts[rule];
  if (LimitReached(moment)) {
    ++Count(rule, AlertCounter::kCustomerLimit);
    episode.StopWaiting(moment.row);
    return false;
  }
  if (!granted) {
    episode.Wait(moment.row, Waiting::kBudget, LastOfPeriod(plan_.budgets[plan.budget], moment.now));
    return false;
  }
  const bool held_out = HeldOut(rule, *moment.row);
  if (const TimeMs until = QuietUntil(plan.quiet, moment.registers, moment.now); until > moment.now) {
    Count(rule, AlertCounter::kQuiet) += episode.View(*moment.row).waiting != Waiting::kOpening;
    episode.Wait(moment.row, Waiting::kOpening, until);
    return !held_out;
  }
  episode.Open(moment.registers, moment.row, moment.now, pipeline_.LastRecord(*moment.row));
  NoteOpening(moment);
  ++Count(rule, AlertCounter::kOpened);
  const int reason = MainReason(rule, moment.registers);
  episode.SetReason(moment.row, reason);
  if (reason >= 0) ++counters_[reason_counters_[rule] + reason];
  if (held_out) ++Count(rule, AlertCounter::kHoldout);
  Write(rule, EpisodeEvent::kOpened, moment);
  return !held_out;
}

// The cells hold the times of the last openings, newest first.
bool AlertDesk::LimitReached(const Moment& moment) const {
  const CustomerLimitPlan& limit = plan_.customer_limit;
  if (limit.alerts == 0) return false;
  const TimeMs oldest = moment.row->cells()[pipeline_.limit_cells() + limit.alerts - 1];
  return oldest != 0 && moment.now - oldest < limit.within;
}

void AlertDesk::NoteOpening(const Moment& moment) {
  const int count = plan_.customer_limit.alerts;
  if (count == 0) return;
  int64_t* cell = moment.row->cells() + pipeline_.limit_cells();
  std::copy_backward(cell, cell + count - 1, cell + count);
  cell[0] = moment.now;
}

double AlertDesk::Priority(size_t rule, const double* registers) const {
  const int reg = plan_.alerts[rule].priority;
  return reg < 0 ? 0 : registers[reg];
}

// Index into ReasonCodes of the rule's score, -1 when nothing explains it.
int AlertDesk::MainReason(size_t rule, const double* registers) const {
  const int score = plan_.alerts[rule].score;
  if (score < 0) return -1;
  const std::vector<Contribution> reasons = pipeline_.scores()[score].Explain(registers);
  if (reasons.empty()) return -1;
  const std::vector<std::string> codes = ReasonCodes(plan_.scores[score]);
  return static_cast<int>(std::find(codes.begin(), codes.end(), reasons[0].code) - codes.begin());
}

void AlertDesk::CheckUpdate(size_t rule, const Moment& moment) {
  const AlertRule& episode = pipeline_.alerts()[rule];
  const EpisodeView view = episode.View(*moment.row);
  if (!view.open) return;
  const int reason = MainReason(rule, moment.registers);
  if (reason < 0 || reason == view.reason) return;
  episode.SetReason(moment.row, reason);
  episode.Update(moment.row);
  ++Count(rule, AlertCounter::kUpdated);
  Write(rule, EpisodeEvent::kUpdated, moment);
}

bool AlertDesk::HeldOut(size_t rule, const RowRef& row) const {
  const AlertPlan& plan = plan_.alerts[rule];
  return plan.holdout_basis_points > 0 && HoldoutBucket(plan_, plan, row.key()) < plan.holdout_basis_points;
}

void AlertDesk::Write(size_t rule, EpisodeEvent event, const Moment& moment) {
  const AlertPlan& plan = plan_.alerts[rule];
  line_.clear();
  AppendAlert(plan_,
              {&plan, event, pipeline_.alerts()[rule].View(*moment.row), moment.row->key(), moment.trigger, moment.now,
               moment.registers, plan.score < 0 ? nullptr : &pipeline_.scores()[plan.score],
               pipeline_.PreviousScore(plan.score, *moment.row)},
              &line_);
  moment.outputs->Emit(HeldOut(rule, *moment.row) ? Stream::kShadow : Stream::kAlerts, line_);
}

}  // namespace ebb
