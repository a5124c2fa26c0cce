// Depth-first search with an explicit stack (R. E. Tarjan, "Depth-first search and linear graph algorithms", 1972).
#include "config/dependency.h"

#include <algorithm>
#include <map>

namespace ebb {

DependencyOrder OrderByDependency(const std::vector<std::string>& names,
                                  const std::vector<std::vector<std::string>>& reads) {
  std::map<std::string, int> index;
  for (size_t i = 0; i < names.size(); ++i) index.try_emplace(names[i], static_cast<int>(i));
  std::vector<std::vector<int>> needs(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    for (const std::string& name : reads[i]) {
      if (auto found = index.find(name); found != index.end()) needs[i].push_back(found->second);
    }
  }
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Frame {
    int item;
    size_t next;  // position in needs[item]
  };
  DependencyOrder out;
  std::vector<State> states(needs.size(), State::kNew);
  std::vector<bool> in_cycle(needs.size(), false);
  for (size_t start = 0; start < needs.size(); ++start) {
    if (states[start] != State::kNew) continue;
    std::vector<Frame> stack = {{static_cast<int>(start), 0}};
    states[start] = State::kOpen;
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next == needs[top.item].size()) {
        states[top.item] = State::kDone;
        if (!in_cycle[top.item]) out.order.push_back(top.item);
        stack.pop_back();
        continue;
      }
      int need = needs[top.item][top.next++];
      if (states[need] == State::kNew) {
        states[need] = State::kOpen;
        stack.push_back({need, 0});
      } else if (states[need] == State::kOpen) {
        auto first = std::find_if(stack.begin(), stack.end(), [&](const Frame& f) { return f.item == need; });
        std::vector<int> cycle;
        for (auto frame = first; frame != stack.end(); ++frame) cycle.push_back(frame->item);
        for (int item : cycle) in_cycle[item] = true;
        std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
        out.cycles.push_back(std::move(cycle));
      }
    }
  }
  return out;
}

std::string ShowCycle(const std::vector<int>& cycle, const std::vector<std::string>& names) {
  std::string out;
  for (int item : cycle) out += names[item] + " -> ";
  return out + names[cycle.front()];
}

}  // namespace ebb
