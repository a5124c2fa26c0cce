// The statistics. Sums run over the values in ascending order: the same values give the same bits.
#include "operators/feature/population.h"

#include <algorithm>
#include <cmath>

#include "operators/feature/program.h"

namespace ebb {
namespace {

double Mean(std::span<const double> values, int64_t /*quantile*/) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? kNull : sum / static_cast<double>(values.size());
}

double Stddev(std::span<const double> values, int64_t quantile) {
  const double mean = Mean(values, quantile);
  double sum = 0;
  for (double value : values) sum += (value - mean) * (value - mean);
  return values.empty() ? kNull : std::sqrt(sum / static_cast<double>(values.size()));
}

double Quantile(std::span<const double> values, int64_t quantile) {
  if (values.empty()) return kNull;
  // Millions of customers times a million stay far below the limit.
  const int64_t rank = (quantile * static_cast<int64_t>(values.size()) + 999'999) / 1'000'000;
  return values[static_cast<size_t>(std::max<int64_t>(1, rank) - 1)];
}

constexpr PopulationStatistic kStatistics[] = {
    {"mean", "the mean; of a condition the share of those for whom it is true", true, false, Mean},
    {"stddev", "the standard deviation, of the population (divided by n)", true, false, Stddev},
    {"min", "the smallest", true, false,
     [](std::span<const double> values, int64_t) { return values.empty() ? kNull : values.front(); }},
    {"max", "the largest", true, false,
     [](std::span<const double> values, int64_t) { return values.empty() ? kNull : values.back(); }},
    {"quantile", "the value of rank ceil(`q` * number), exactly", true, true, Quantile},
    {"count", "how many there are: 0 without any", false, false,
     [](std::span<const double> values, int64_t) { return static_cast<double>(values.size()); }},
};

}  // namespace

std::span<const PopulationStatistic> PopulationStatistics() { return kStatistics; }

const PopulationStatistic* FindPopulationStatistic(std::string_view name) {
  for (const PopulationStatistic& statistic : kStatistics) {
    if (statistic.name == name) return &statistic;
  }
  return nullptr;
}

double StatisticOf(const PopulationPlan& plan, std::vector<double> values) {
  std::erase_if(values, [](double value) { return IsNull(value); });
  for (double& value : values) value += 0.0;  // of the two zeros one: they have no order
  std::sort(values.begin(), values.end());
  return FindPopulationStatistic(plan.statistic)->of(values, plan.quantile);
}

bool ClosesAt(const PopulationPlan& plan, TimeMs at) {
  return FloorDiv(at - plan.closes, plan.per) * plan.per + plan.closes == at;
}

TimeMs NextPopulationClose(const std::vector<PopulationPlan>& plans, TimeMs time) {
  TimeMs next = kAfterTime;
  for (const PopulationPlan& plan : plans) {
    next = std::min(next, (FloorDiv(time - 1 - plan.closes, plan.per) + 1) * plan.per + plan.closes);
  }
  return next;
}

}  // namespace ebb
