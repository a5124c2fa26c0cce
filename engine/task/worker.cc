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

void Worker::Post(RecordBatch batch, TimeMs watermark) { Post({std::move(batch), watermark, false}); }

void Worker::PostEncoding() { Post({{}, kBeforeTime, true}); }

void Worker::Post(Work work) {
  if (!threaded_) {
    Do(std::move(work));
    return;
  }
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return queue_.size() < kMaxQueuedBatches; });
    const bool idle = queue_.empty() && !busy_;
    if (idle) uncommitted_bytes_ = task_->uncommitted_bytes();
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void Worker::Do(Work work) {
  if (work.encoding) {
    task_->EncodeChanged();
  } else {
    task_->Step(std::move(work.batch), work.watermark);
  }
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
    const bool step = !work.encoding;  // else the outputs, and what they take, are the owner's now
    lock.unlock();
    Do(std::move(work));
    const UncommittedBytes bytes = step ? task_->uncommitted_bytes() : UncommittedBytes();
    lock.lock();
    busy_ = false;
    if (step) uncommitted_bytes_ = bytes;
    done_.notify_one();
  }
}

}  // namespace ebb
