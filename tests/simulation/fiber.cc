// The first entry goes by makecontext, which knows how to change stacks; later switches by _setjmp and _longjmp, which,
// unlike swapcontext, make no system calls. Sanitizers follow swapcontext only, when they are told of each switch.
#include "tests/simulation/fiber.h"

#include <utility>
#include <vector>

#include "engine/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define EBB_FIBER_ASAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EBB_FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define EBB_FIBER_TSAN 1
#endif
#endif
#ifdef EBB_FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EBB_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace ebb {
namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

Fiber* running_fiber = nullptr;

// Stacks are used again: a history starts hundreds of fibers.
std::vector<std::unique_ptr<char[]>>& SpareStacks() {
  static std::vector<std::unique_ptr<char[]>> spare;
  return spare;
}

std::unique_ptr<char[]> TakeStack() {
  if (SpareStacks().empty()) return std::unique_ptr<char[]>(new char[kStackBytes]);
  std::unique_ptr<char[]> stack = std::move(SpareStacks().back());
  SpareStacks().pop_back();
  return stack;
}

}  // namespace

Fiber* Fiber::running() { return running_fiber; }

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(TakeStack()) {
#ifdef EBB_FIBER_TSAN
  inside_shadow_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  EBB_CHECK(done_ || !begun_, "a fiber is destroyed in the middle");
#ifdef EBB_FIBER_TSAN
  __tsan_destroy_fiber(inside_shadow_);
#endif
  SpareStacks().push_back(std::move(stack_));
}

#if defined(EBB_FIBER_ASAN) || defined(EBB_FIBER_TSAN)

void Fiber::Enter() {
  Fiber* self = running_fiber;
#ifdef EBB_FIBER_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_stack_, &self->outside_stack_bytes_);
#endif
  self->body_();
  self->done_ = true;
#ifdef EBB_FIBER_ASAN
  __sanitizer_start_switch_fiber(nullptr, self->outside_stack_, self->outside_stack_bytes_);
#endif
#ifdef EBB_FIBER_TSAN
  __tsan_switch_to_fiber(self->outside_shadow_, 0);
#endif
  setcontext(&self->outside_);
}

void Fiber::SwitchIn() {
#ifdef EBB_FIBER_ASAN
  __sanitizer_start_switch_fiber(&outside_shadow_, stack_.get(), kStackBytes);
#endif
#ifdef EBB_FIBER_TSAN
  outside_shadow_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(inside_shadow_, 0);
#endif
  swapcontext(&outside_, &first_);
#ifdef EBB_FIBER_ASAN
  __sanitizer_finish_switch_fiber(outside_shadow_, nullptr, nullptr);
#endif
}

void Fiber::Suspend() {
#ifdef EBB_FIBER_ASAN
  __sanitizer_start_switch_fiber(&inside_shadow_, outside_stack_, outside_stack_bytes_);
#endif
#ifdef EBB_FIBER_TSAN
  __tsan_switch_to_fiber(outside_shadow_, 0);
#endif
  swapcontext(&first_, &outside_);
#ifdef EBB_FIBER_ASAN
  __sanitizer_finish_switch_fiber(inside_shadow_, &outside_stack_, &outside_stack_bytes_);
#endif
}

#else

void Fiber::Enter() {
  Fiber* self = running_fiber;
  self->body_();
  self->done_ = true;
  _longjmp(self->outside_jump_, 1);
}

void Fiber::SwitchIn() {
  if (_setjmp(outside_jump_) != 0) return;
  if (begun_) _longjmp(inside_jump_, 1);
  begun_ = true;
  setcontext(&first_);
}

void Fiber::Suspend() {
  if (_setjmp(inside_jump_) == 0) _longjmp(outside_jump_, 1);
}

#endif

void Fiber::Resume() {
  EBB_CHECK(!done_ && running_fiber == nullptr);
  running_fiber = this;
  if (!begun_) {
    getcontext(&first_);
    first_.uc_stack.ss_sp = stack_.get();
    first_.uc_stack.ss_size = kStackBytes;
    first_.uc_link = nullptr;
    makecontext(&first_, Enter, 0);
  }
  SwitchIn();
  begun_ = true;
  running_fiber = nullptr;
}

}  // namespace ebb
