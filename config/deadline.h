// Silence has no event of its own: when a condition compares a recency with a threshold, the instant at which it turns
// true is known in advance and becomes a timer.
#pragma once

#include <vector>

#include "config/expression_compile.h"

namespace ebb {

// Whether a node, or one below it, is a recency, tenure or a name that was computed from one.
bool ReadsClock(const Expression& expression, const Scope& scope, int index);

// The deadlines of a condition that has been compiled: each comparison `recency > X` or `recency >= X` (or tenure, and
// either way round) that stands below `and` and `or` only, and those of the bool features that it names there.
// `registers` are those of the expression's nodes.
std::vector<DeadlinePlan> FindDeadlines(const Expression& expression, const Scope& scope,
                                        const std::vector<int>& registers);

}  // namespace ebb
