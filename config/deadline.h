// Silence has no event of its own, and neither has the end of a contract: when a condition compares what runs with time
// with what stands still, the instant at which it turns true is known in advance and becomes a timer.
#pragma once

#include <optional>
#include <vector>

#include "config/expression_compile.h"

namespace ebb {

// Whether a node, or one below it, is a recency, tenure, now or a name that was computed from one.
bool ReadsClock(const Expression& expression, const Scope& scope, int index);

// What an expression that has been compiled is, if it is `now - X` or `X - now` with an X that stands still.
std::optional<Clock> FindClock(const Expression& expression, const Scope& scope, const std::vector<int>& registers);

// The deadlines of a condition that has been compiled: each comparison `recency > X` or `recency >= X` (or tenure, now,
// now - X; or X - now < Y; and either way round) that stands below `and` and `or` only, and those of the bool features
// that it names there. `registers` are those of the expression's nodes.
std::vector<DeadlinePlan> FindDeadlines(const Expression& expression, const Scope& scope,
                                        const std::vector<int>& registers);

}  // namespace ebb
