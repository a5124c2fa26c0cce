// A process: threads that live and die together, with clocks of their own. A thread waits by giving its turn back to
// the scheduler; when its process is killed it is unwound from there by an exception that only its outermost frame
// catches.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/simulation/fiber.h"
#include "tests/simulation/scheduler.h"

namespace ebb {

// Thrown through a thread of a process that is no more.
struct Killed {};

class Machine;

// Confined to its task's thread.
class Thread : public std::enable_shared_from_this<Thread> {
 public:
  Thread(Machine* machine, std::function<void(Thread*)> body);
  ~Thread();

  Machine& machine() { return machine_; }
  bool done() const { return done_; }
  // Names where it waits, for whoever kills it there.
  std::string_view at() const { return at_; }

  // From inside: returns after `ms`, or when somebody calls WakeNow.
  void Sleep(int64_t ms, std::string_view at);
  // Names the wait that follows; a Wake with this number ends it, one with another number does nothing.
  uint64_t NextWait() { return ++wait_; }
  void Wait(std::string_view at);
  // From outside of all fibers.
  void Wake(uint64_t wait);
  // From anywhere: ends the present wait soon.
  void WakeSoon();
  // From outside of all fibers: unwinds it.
  void Kill();

 private:
  friend class Machine;

  Machine& machine_;
  uint64_t wait_ = 0;
  std::string_view at_;
  bool waiting_ = false;
  bool killed_ = false;
  bool done_ = false;
  Fiber fiber_;
};

// Confined to its task's thread.
class Machine {
 public:
  Machine(Scheduler* scheduler, int64_t monotonic_origin_ms)
      : scheduler_(*scheduler), origin_ms_(monotonic_origin_ms) {}
  ~Machine() { Kill(); }

  Scheduler& scheduler() { return scheduler_; }
  // The thread begins soon.
  std::shared_ptr<Thread> Start(std::function<void(Thread*)> body);
  void Kill();
  // Nothing in it moves for so long; what comes for it waits.
  void Pause(int64_t ms);
  bool paused() const { return scheduler_.now_ms() < paused_until_ms_; }
  const std::vector<std::shared_ptr<Thread>>& threads() const { return threads_; }

  int64_t wall_ms() const { return kWallOrigin + scheduler_.now_ms() + wall_offset_ms_; }
  int64_t monotonic_ms() const { return origin_ms_ + scheduler_.now_ms(); }
  void SetWallBy(int64_t ms) { wall_offset_ms_ += ms; }

  static constexpr int64_t kWallOrigin = 1'750'000'000'000;

 private:
  friend class Thread;

  Scheduler& scheduler_;
  const int64_t origin_ms_;
  int64_t wall_offset_ms_ = 0;
  int64_t paused_until_ms_ = 0;
  std::vector<std::shared_ptr<Thread>> threads_;
};

}  // namespace ebb
