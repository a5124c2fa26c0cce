// The order in which things that need each other can be computed.
#pragma once

#include <string>
#include <vector>

namespace ebb {

struct DependencyOrder {
  std::vector<int> order;                // everything outside cycles, each after what it needs
  std::vector<std::vector<int>> cycles;  // each begins with its smallest member, and each member needs the next
};

// `reads[i]` are the names that the item names[i] needs; names that aren't among `names` need nothing. Items that need
// nothing of each other keep their order as far as possible. The first of equal names counts.
DependencyOrder OrderByDependency(const std::vector<std::string>& names,
                                  const std::vector<std::vector<std::string>>& reads);

// "a -> b -> a".
std::string ShowCycle(const std::vector<int>& cycle, const std::vector<std::string>& names);

}  // namespace ebb
