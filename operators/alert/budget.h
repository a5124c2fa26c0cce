// Budgets: a capacity for alerts over all customers, given out at the close of each period to those of the highest
// priority. Which tasks the customers belong to changes nothing: the decision is taken where all tasks meet
// (engine/task/meeting.h), from bids that lie in the customers' rows until then.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/stream/time.h"
#include "operators/alert/alert_desk.h"
#include "operators/plan.h"

namespace ebb {

// Higher before lower, null last. A strict weak order.
inline bool RanksBefore(double a, double b) {
  if (a != a || b != b) return b != b && a == a;
  return a > b;
}

// The last millisecond of the period that `now` lies in.
TimeMs LastOfPeriod(const BudgetPlan& budget, TimeMs now);
// The first close of any budget at or after `time`; kAfterTime without budgets. A close is the first instant of the
// next period.
TimeMs NextClose(const std::vector<BudgetPlan>& budgets, TimeMs time);

// This part of a job's capacity: part `index` of `count` gets alerts * (index + 1) / count - alerts * index / count.
struct BudgetShare {
  int index = 0;
  int count = 1;
};
int64_t PlacesOf(const BudgetPlan& budget, const BudgetShare& share);

// By budget, then priority, then customer, then rule: a total order, since a rule bids once for a customer.
bool RanksBefore(const Bid& a, const Bid& b);

}  // namespace ebb
