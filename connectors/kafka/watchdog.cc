// Looks every 100 ms; limits are seconds.
#include "connectors/kafka/watchdog.h"

#include <chrono>
#include <utility>
#include <vector>

#include "connectors/kafka/client.h"

namespace ebb {

Watchdog::Watchdog(std::function<void(const std::string&, int64_t)> on_stuck)
    : on_stuck_(std::move(on_stuck)), thread_([this] { Run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, std::chrono::milliseconds(100));
    const int64_t now = MonotonicMs();
    std::vector<Call> stuck;
    for (auto call = calls_.begin(); call != calls_.end();) {
      if (now - call->second.begun_ms > call->second.limit_ms) {
        stuck.push_back(std::move(call->second));
        call = calls_.erase(call);
      } else {
        ++call;
      }
    }
    lock.unlock();
    for (const Call& call : stuck) on_stuck_(call.name, now - call.begun_ms);
    lock.lock();
  }
}

Watchdog::Watch::Watch(Watchdog* dog, std::string call, int64_t limit_ms) : dog_(dog) {
  if (dog_ == nullptr) return;
  const std::lock_guard lock(dog_->mutex_);
  id_ = dog_->next_id_++;
  dog_->calls_.emplace(id_, Call{std::move(call), MonotonicMs(), limit_ms});
}

Watchdog::Watch::~Watch() {
  if (dog_ == nullptr) return;
  const std::lock_guard lock(dog_->mutex_);
  dog_->calls_.erase(id_);
}

}  // namespace ebb
