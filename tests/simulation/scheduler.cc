// The queue of what is to happen.
#include "tests/simulation/scheduler.h"

#include <algorithm>

namespace ebb {

std::string_view FaultName(Fault fault) {
  static constexpr std::string_view kNames[] = {
#define EBB_FAULT(name, text) text,
#include "tests/simulation/faults.inc"
#undef EBB_FAULT
  };
  return kNames[static_cast<size_t>(fault)];
}

void Scheduler::After(int64_t ms, std::function<void()> action) {
  events_.push_back({now_ms_ + ms, random_.Next(), std::move(action)});
  std::push_heap(events_.begin(), events_.end());
}

bool Scheduler::Step() {
  if (events_.empty() || !violation_.empty()) return false;
  std::pop_heap(events_.begin(), events_.end());
  Event event = std::move(events_.back());
  events_.pop_back();
  now_ms_ = event.at_ms;
  ++steps_;
  event.action();
  return violation_.empty();
}

}  // namespace ebb
