// The table of aggregates.
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

constexpr const Aggregate* kTable[] = {
    &kCountAggregate,
    &kSumAggregate,
    &kMeanAggregate,
    &kMinAggregate,
    &kMaxAggregate,
    &kFirstAggregate,
    &kLastAggregate,
    &kDistinctAggregate,
    &kDecayedSumAggregate,
    &kRecencyAggregate,
    &kInterarrivalMeanAggregate,
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
