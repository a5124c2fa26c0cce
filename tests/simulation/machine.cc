// Waiting, waking, unwinding.
#include "tests/simulation/machine.h"

#include <utility>

#include "engine/base/check.h"

namespace ebb {

Thread::Thread(Machine* machine, std::function<void(Thread*)> body)
    : machine_(*machine), fiber_([this, body = std::move(body)] {
        try {
          body(this);
        } catch (const Killed&) {
          // Its process is no more.
        }
        done_ = true;
      }) {}

Thread::~Thread() { Kill(); }

void Thread::Sleep(int64_t ms, std::string_view at) {
  const uint64_t wait = NextWait();
  machine_.scheduler().After(ms, [thread = weak_from_this(), wait] {
    if (const std::shared_ptr<Thread> alive = thread.lock()) alive->Wake(wait);
  });
  Wait(at);
}

void Thread::Wait(std::string_view at) {
  EBB_CHECK(Fiber::running() == &fiber_);
  at_ = at;
  waiting_ = true;
  fiber_.Suspend();
  waiting_ = false;
  if (killed_) throw Killed();
}

void Thread::Wake(uint64_t wait) {
  if (done_ || killed_ || wait != wait_) return;
  if (machine_.paused()) {
    const int64_t left = machine_.paused_until_ms_ - machine_.scheduler().now_ms();
    machine_.scheduler().After(left, [thread = weak_from_this(), wait] {
      if (const std::shared_ptr<Thread> alive = thread.lock()) alive->Wake(wait);
    });
    return;
  }
  ++wait_;  // further wakes of this wait do nothing
  fiber_.Resume();
}

void Thread::WakeSoon() {
  machine_.scheduler().After(0, [thread = weak_from_this(), wait = wait_] {
    if (const std::shared_ptr<Thread> alive = thread.lock()) alive->Wake(wait);
  });
}

void Thread::Kill() {
  if (done_ || killed_) return;
  killed_ = true;
  if (waiting_) {
    fiber_.Resume();
  } else {
    done_ = true;  // it has not begun
  }
}

std::shared_ptr<Thread> Machine::Start(std::function<void(Thread*)> body) {
  std::erase_if(threads_, [](const std::shared_ptr<Thread>& thread) { return thread->done(); });
  auto thread = std::make_shared<Thread>(this, std::move(body));
  threads_.push_back(thread);
  thread->WakeSoon();
  return thread;
}

void Machine::Kill() {
  for (const std::shared_ptr<Thread>& thread : threads_) thread->Kill();
  threads_.clear();
  paused_until_ms_ = 0;
}

void Machine::Pause(int64_t ms) { paused_until_ms_ = scheduler_.now_ms() + ms; }

}  // namespace ebb
