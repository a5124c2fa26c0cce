// Walks a condition from its root.
#include "config/deadline.h"

#include <optional>

namespace ebb {
namespace {

// The comparison with its sides exchanged.
ExprKind Mirrored(ExprKind kind) {
  switch (kind) {
    case ExprKind::kLess:
      return ExprKind::kGreater;
    case ExprKind::kLessEqual:
      return ExprKind::kGreaterEqual;
    case ExprKind::kGreater:
      return ExprKind::kLess;
    case ExprKind::kGreaterEqual:
      return ExprKind::kLessEqual;
    default:
      return kind;
  }
}

// Confined to its task's thread.
class ClockFinder {
 public:
  ClockFinder(const Expression& expression, const Scope& scope, const std::vector<int>& registers)
      : expression_(expression), scope_(scope), registers_(registers) {}

  // What a node is if it runs with time: a recency, tenure, now, now less something that stands still, or something
  // less now; empty for anything else.
  std::optional<Clock> ClockOf(int index) const {
    const ExprNode& node = expression_.nodes[index];
    if (node.kind == ExprKind::kName) return ClockNamed(node.text);
    if (node.kind != ExprKind::kSubtract) return std::nullopt;
    const int left = node.children[0], right = node.children[1];
    if (IsNow(left) && !ReadsClock(expression_, scope_, right)) return Clock{DeadlinePlan::kNow, registers_[right]};
    if (IsNow(right) && !ReadsClock(expression_, scope_, left))
      return Clock{DeadlinePlan::kNow, registers_[left], true};
    return std::nullopt;
  }

  // `side` compared with `threshold`.
  std::optional<DeadlinePlan> DeadlineOf(ExprKind kind, int side, int threshold) const {
    const std::optional<Clock> clock = ClockOf(side);
    // A threshold that moves with time itself has no instant that could be known in advance.
    if (!clock || ReadsClock(expression_, scope_, threshold)) return std::nullopt;
    if (clock->falling) kind = Mirrored(kind);
    if (kind != ExprKind::kGreater && kind != ExprKind::kGreaterEqual) return std::nullopt;
    DeadlinePlan deadline{clock->measure, registers_[threshold], kind == ExprKind::kGreater};
    deadline.base = clock->base;
    deadline.falling = clock->falling;
    if (clock->measure == DeadlinePlan::kNow && clock->base < 0) {
      deadline.base = deadline.threshold;
      deadline.threshold = scope_.builder->Constant(0);
    }
    return deadline;
  }

 private:
  bool IsNow(int index) const {
    const ExprNode& node = expression_.nodes[index];
    return node.kind == ExprKind::kName && node.text == "now" && scope_.plan != nullptr;
  }

  std::optional<Clock> ClockNamed(const std::string& name) const {
    if (scope_.plan == nullptr) return std::nullopt;
    if (name == "tenure") return Clock{DeadlinePlan::kTenure};
    if (name == "now") return Clock{DeadlinePlan::kNow};
    auto found = scope_.names->find(name);
    if (found == scope_.names->end()) return std::nullopt;
    return found->second.recency ? Clock{found->second.measure} : found->second.clock;
  }

  const Expression& expression_;
  const Scope& scope_;
  const std::vector<int>& registers_;
};

bool Moves(const ExprNode& node, const Scope& scope) {
  if (node.kind != ExprKind::kName || scope.plan == nullptr) return false;
  if (node.text == "tenure" || node.text == "now") return true;
  auto found = scope.names->find(node.text);
  return found != scope.names->end() && (found->second.recency || found->second.moves);
}

}  // namespace

// Children stand before their parents, without others between them.
bool ReadsClock(const Expression& expression, const Scope& scope, int index) {
  for (int i = index; i >= 0 && expression.nodes[i].begin >= expression.nodes[index].begin; --i) {
    if (Moves(expression.nodes[i], scope)) return true;
  }
  return false;
}

std::optional<Clock> FindClock(const Expression& expression, const Scope& scope, const std::vector<int>& registers) {
  std::optional<Clock> clock = ClockFinder(expression, scope, registers).ClockOf(expression.root);
  if (clock && clock->measure != DeadlinePlan::kNow) clock.reset();
  return clock;
}

std::vector<DeadlinePlan> FindDeadlines(const Expression& expression, const Scope& scope,
                                        const std::vector<int>& registers) {
  std::vector<DeadlinePlan> out;
  const ClockFinder finder(expression, scope, registers);
  auto add = [&](ExprKind kind, int side, int threshold) {
    if (std::optional<DeadlinePlan> deadline = finder.DeadlineOf(kind, side, threshold)) out.push_back(*deadline);
  };
  std::vector<int> open = {expression.root};
  while (!open.empty()) {
    const ExprNode& node = expression.nodes[open.back()];
    open.pop_back();
    if (node.kind == ExprKind::kAnd || node.kind == ExprKind::kOr) {
      open.insert(open.end(), node.children.rbegin(), node.children.rend());
    } else if (node.kind == ExprKind::kName) {
      auto found = scope.names->find(node.text);
      if (found == scope.names->end()) continue;
      out.insert(out.end(), found->second.deadlines.begin(), found->second.deadlines.end());
    } else if (node.children.size() == 2) {
      add(node.kind, node.children[0], node.children[1]);
      add(Mirrored(node.kind), node.children[1], node.children[0]);
    }
  }
  return out;
}

}  // namespace ebb
