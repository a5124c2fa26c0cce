// Features of the population: what is usual among all customers, for telling who is unusual. At the close of each
// period one value is taken of every customer who has had an event, as of the period's last millisecond; the statistic
// of these values is what everybody reads until the next close, and null before the first. The values are sorted before
// anything is made of them, so that the result doesn't depend on how the customers are shared out to tasks.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/stream/time.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
struct PopulationStatistic {
  const char* name;
  const char* meaning;  // Markdown, for docs/pipeline.md
  bool of_values;       // in the unit of the values; otherwise a number
  bool takes_quantile;
  // Of values in ascending order, none of them null.
  double (*of)(std::span<const double> values, int64_t quantile);
};

std::span<const PopulationStatistic> PopulationStatistics();
// Null when there is none of this name.
const PopulationStatistic* FindPopulationStatistic(std::string_view name);

// The statistic of the values, in any order; those that are null count for nothing.
double StatisticOf(const PopulationPlan& plan, std::vector<double> values);

// Whether a period of the plan closes at `at`, the first instant of the next.
bool ClosesAt(const PopulationPlan& plan, TimeMs at);
// The first close of any plan at or after `time`; kAfterTime without plans.
TimeMs NextPopulationClose(const std::vector<PopulationPlan>& plans, TimeMs time);

}  // namespace ebb
