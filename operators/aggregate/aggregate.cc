// The table of aggregates.
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

constexpr const Aggregate* kTable[] = {
    &kCountAggregate,
    &kSumAggregate,
    &kMeanAggregate,
    &kStddevAggregate,
    &kMinAggregate,
    &kMaxAggregate,
    &kFirstAggregate,
    &kLastAggregate,
    &kShareAggregate,
    &kRatioAggregate,
    &kQuantileAggregate,
    &kDistinctAggregate,
    &kEntropyAggregate,
    &kTopAggregate,
    &kTopShareAggregate,
    &kDecayedSumAggregate,
    &kRecencyAggregate,
    &kInterarrivalMeanAggregate,
    &kInterarrivalCvAggregate,
    &kSessionCountAggregate,
    &kSessionLengthAggregate,
    &kSessionDepthAggregate,
    &kSessionRecencyAggregate,
    &kBounceShareAggregate,
    &kSlopeAggregate,
    &kDeviationAggregate,
    &kEwmaAggregate,
    &kCusumAggregate,
    &kActiveStreakAggregate,
    &kSilentStreakAggregate,
};

}  // namespace

std::span<const Aggregate* const> Aggregates() { return kTable; }

const Aggregate* FindAggregate(std::string_view name) {
  for (const Aggregate* aggregate : kTable) {
    if (aggregate->name == name) return aggregate;
  }
  return nullptr;
}

}  // namespace ebb
