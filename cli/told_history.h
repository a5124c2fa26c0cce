// What meetings have told a task (Operator::told), and since when: for looking at a row as of earlier.
#pragma once

#include <utility>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

// Confined to its task's thread.
class ToldHistory {
 public:
  // `since` never decreases.
  void Add(TimeMs since, std::vector<int64_t> told) { entries_.emplace_back(since, std::move(told)); }
  // What held at that instant; nothing before the first.
  const std::vector<int64_t>& At(TimeMs at) const {
    static const std::vector<int64_t> kNothing;
    auto entry = entries_.rbegin();
    while (entry != entries_.rend() && entry->first > at) ++entry;
    return entry == entries_.rend() ? kNothing : entry->second;
  }

 private:
  std::vector<std::pair<TimeMs, std::vector<int64_t>>> entries_;
};

}  // namespace ebb
