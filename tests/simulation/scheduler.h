// The one scheduler of a history: virtual time, what happens next, and all chance. Everything that happens at the same
// time happens in an order of the seed. It also counts the faults, and keeps the first violation of an invariant.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/random.h"

namespace ebb {

// What can go wrong, or come about because something did. The names are what is printed.
enum class Fault : uint8_t {
#define EBB_FAULT(name, text) name,
#include "tests/simulation/faults.inc"
#undef EBB_FAULT
  kCount,
};
inline constexpr size_t kFaults = static_cast<size_t>(Fault::kCount);
std::string_view FaultName(Fault fault);
using FaultCounts = std::array<int64_t, kFaults>;

// Confined to its task's thread.
class Scheduler {
 public:
  Scheduler(uint64_t seed, bool trace) : random_(seed), trace_(trace) {}

  Random& random() { return random_; }
  int64_t now_ms() const { return now_ms_; }
  void After(int64_t ms, std::function<void()> action);
  // Runs what comes next; false when nothing does, or after a violation.
  bool Step();
  int64_t steps() const { return steps_; }

  // Faults strike with their chance until Heal. Note counts what came about.
  bool Strike(Fault fault, double chance) {
    if (healed_ || chance <= 0 || !random_.Chance(chance)) return false;
    Note(fault);
    return true;
  }
  void Note(Fault fault) { ++counts_[static_cast<size_t>(fault)]; }
  void Heal() { healed_ = true; }
  bool healed() const { return healed_; }
  const FaultCounts& counts() const { return counts_; }

  // Ends the history.
  void Violate(std::string what) {
    if (violation_.empty()) violation_ = fmt::format("at {} ms: {}", now_ms_, what);
    Trace("VIOLATION: {}", violation_);
  }
  const std::string& violation() const { return violation_; }

  bool tracing() const { return trace_; }
  template <typename... T>
  void Trace(fmt::format_string<T...> format, T&&... arguments) const {
    if (trace_) fmt::print("{:>7} {}\n", now_ms_, fmt::format(format, std::forward<T>(arguments)...));
  }

 private:
  struct Event {
    int64_t at_ms;
    uint64_t rank;  // among those of the same time
    std::function<void()> action;
    bool operator<(const Event& other) const { return at_ms != other.at_ms ? at_ms > other.at_ms : rank > other.rank; }
  };

  Random random_;
  const bool trace_;
  int64_t now_ms_ = 0;
  int64_t steps_ = 0;
  bool healed_ = false;
  std::vector<Event> events_;  // a heap, the next one first
  FaultCounts counts_{};
  std::string violation_;
};

}  // namespace ebb
