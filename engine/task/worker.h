// A thread that steps one task, behind a short queue. With `threaded` false there is no thread: the caller's own does
// the work at once, which is the cheapest way to run a single task.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/task/task.h"

namespace ebb {

// Its methods belong to one thread, the owner's. Confined to its task's thread.
class Worker {
 public:
  static constexpr size_t kMaxQueuedBatches = 8;

  Worker(std::unique_ptr<Task> task, bool threaded);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Hands over records and the watermark up to which all are complete; waits while the queue is full.
  void Post(RecordBatch batch, TimeMs watermark);
  // Lets the task encode its changed rows, behind what was posted. Its outputs may be used meanwhile.
  void PostEncoding();
  // Returns when everything posted has been done; until the next Post the task belongs to the caller.
  void Drain();
  // Only before the first Post or after Drain.
  Task& task() { return *task_; }
  // As of the last step that was done, or of what its owner has made of it since.
  UncommittedBytes uncommitted_bytes() const;

 private:
  struct Work {
    RecordBatch batch;
    TimeMs watermark;
    bool encoding;  // instead of a step
  };

  void Post(Work work);
  void Do(Work work);

  void Run();

  const std::unique_ptr<Task> task_;
  const bool threaded_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable wake_;  // work has come, or stop
  std::condition_variable done_;  // work was finished
  std::deque<Work> queue_;
  bool busy_ = false;
  bool stop_ = false;
  UncommittedBytes uncommitted_bytes_;

  std::thread thread_;
};

}  // namespace ebb
