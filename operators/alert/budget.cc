// Periods are counted from 1970.
#include "operators/alert/budget.h"

#include <algorithm>

namespace ebb {

TimeMs LastOfPeriod(const BudgetPlan& budget, TimeMs now) {
  const DurationMs since = now - budget.closes;
  const DurationMs rest = since % budget.per;
  return now - (rest < 0 ? rest + budget.per : rest) + budget.per - 1;
}

TimeMs NextClose(const std::vector<BudgetPlan>& budgets, TimeMs time) {
  TimeMs next = kAfterTime;
  for (const BudgetPlan& budget : budgets) next = std::min(next, LastOfPeriod(budget, time - 1) + 1);
  return next;
}

int64_t PlacesOf(const BudgetPlan& budget, const BudgetShare& share) {
  return budget.alerts * (share.index + 1) / share.count - budget.alerts * share.index / share.count;
}

bool RanksBefore(const Bid& a, const Bid& b) {
  if (a.budget != b.budget) return a.budget < b.budget;
  if (RanksBefore(a.priority, b.priority)) return true;
  if (RanksBefore(b.priority, a.priority)) return false;
  if (a.customer != b.customer) return a.customer < b.customer;
  return a.rule < b.rule;
}

}  // namespace ebb
