// A function with a stack of its own, so that code that waits (a task inside a commit) can be left in the middle and
// gone on with later, all in one thread.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <functional>
#include <memory>

namespace ebb {

// Resume and Suspend take turns. Confined to its task's thread.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the body until it suspends or has ended.
  void Resume();
  // From inside the body only.
  void Suspend();
  bool done() const { return done_; }
  // The one whose body is running; null outside of any.
  static Fiber* running();

 private:
  static void Enter();
  void SwitchIn();

  const std::function<void()> body_;
  std::unique_ptr<char[]> stack_;
  ucontext_t first_, outside_;  // first_: also the whole of the inside where jumps can't be used
  // Where they can.
  [[maybe_unused]] jmp_buf inside_jump_, outside_jump_;
  // Where a sanitizer is told.
  [[maybe_unused]] void* inside_shadow_ = nullptr;
  [[maybe_unused]] void* outside_shadow_ = nullptr;
  [[maybe_unused]] const void* outside_stack_ = nullptr;
  [[maybe_unused]] size_t outside_stack_bytes_ = 0;
  bool begun_ = false;
  bool done_ = false;
};

}  // namespace ebb
