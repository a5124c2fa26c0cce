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

// The measure of a name that grows with time: a recency, or -1 for tenure; empty for anything else.
std::optional<int> ClockOf(const ExprNode& node, const Scope& scope) {
  if (node.kind != ExprKind::kName) return std::nullopt;
  if (node.text == "tenure" && scope.plan != nullptr) return -1;
  auto found = scope.names->find(node.text);
  if (found == scope.names->end() || !found->second.recency) return std::nullopt;
  return found->second.measure;
}

bool Moves(const ExprNode& node, const Scope& scope) {
  if (node.kind != ExprKind::kName) return false;
  auto found = scope.names->find(node.text);
  return ClockOf(node, scope) || (found != scope.names->end() && found->second.moves);
}

}  // namespace

// Children stand before their parents, without others between them.
bool ReadsClock(const Expression& expression, const Scope& scope, int index) {
  for (int i = index; i >= 0 && expression.nodes[i].begin >= expression.nodes[index].begin; --i) {
    if (Moves(expression.nodes[i], scope)) return true;
  }
  return false;
}

std::vector<DeadlinePlan> FindDeadlines(const Expression& expression, const Scope& scope,
                                        const std::vector<int>& registers) {
  std::vector<DeadlinePlan> out;
  auto add = [&](ExprKind kind, int side, int threshold) {
    if (kind != ExprKind::kGreater && kind != ExprKind::kGreaterEqual) return;
    std::optional<int> measure = ClockOf(expression.nodes[side], scope);
    // A threshold that moves with time itself has no instant that could be known in advance.
    if (!measure || ReadsClock(expression, scope, threshold)) return;
    out.push_back({*measure, registers[threshold], kind == ExprKind::kGreater});
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
