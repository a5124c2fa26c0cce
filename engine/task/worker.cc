// The only place in engine/ where threads meet.
#include "engine/task/worker.h"

namespace ebb {

Worker::Worker(std::unique_ptr<Task> task, bool threaded) : task_(std::move(task)), threaded_(threaded) {
  if (threaded_) thread_ = std::thread([this] { Run(); });
}

Worker::~Worker() {
  if (!threaded_) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::Post(RecordBatch batch, TimeMs watermark) {
  if (!threaded_) {
    task_->Step(std::move(batch), watermark);
    return;
  }
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return queue_.size() < kMaxQueuedBatches; });
    queue_.push_back({std::move(batch), watermark});
  }
  wake_.notify_one();
}

void Worker::Drain() {
  if (!threaded_) return;
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return queue_.empty() && !busy_; });
}

UncommittedBytes Worker::uncommitted_bytes() const {
  if (!threaded_) return task_->uncommitted_bytes();
  std::lock_guard lock(mutex_);
  return uncommitted_bytes_;
}

void Worker::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    task_->Step(std::move(work.batch), work.watermark);
    const UncommittedBytes bytes = task_->uncommitted_bytes();
    lock.lock();
    busy_ = false;
    uncommitted_bytes_ = bytes;
    done_.notify_one();
  }
}

}  // namespace ebb
