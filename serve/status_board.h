// What a service knows of itself at the moment: written by the threads that work, read by those who ask (metrics,
// health, the terminal). Copies of figures only: nobody who looks on ever holds up the work.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/observe/ledger.h"
#include "engine/stream/time.h"

namespace ebb {

enum class TaskPhase : uint8_t {
  kOpening,     // taking over
  kRecovering,  // doing committed epochs again
  kLive,
  kWaiting,  // after a failure, before the next attempt
  kRefused,  // for good, until somebody has done what `why` says
};
// "opening", "recovering", ...
std::string_view TaskPhaseName(TaskPhase phase);

struct SourceStatus {
  int64_t records = 0, bytes = 0, misplaced = 0;  // read since the start
  int64_t lag = -1;                               // records that wait in the topic; -1: unknown
  TimeMs watermark = kBeforeTime;
  bool idle = false;  // at its end for idle_after
};

struct TaskStatus {
  TaskPhase phase = TaskPhase::kOpening;
  std::string why;          // of kWaiting and kRefused
  int64_t attempts = 0;     // of opening it, in this process
  int64_t epoch = 0;        // committed
  int64_t epochs_left = 0;  // to be done again
  int64_t state_epoch = 0;
  TimeMs watermark = kBeforeTime;
  std::string holder;  // the source that holds the watermark back
  int64_t customers = 0;
  int64_t uncommitted_bytes = 0, waiting_bytes = 0;
  int64_t commits = 0, commit_us = 0;  // in this process, and how long they took in all
  int64_t committed_ms = 0;            // wall clock of the last commit; 0: none in this process
  int64_t snapshot_epoch = 0;          // of the last one that was kept in this process
  int64_t snapshot_ms = 0;             // wall clock of it; 0: none
  std::vector<SourceStatus> sources;   // by ordinal
  std::vector<SourceLedger> ledger;    // by ordinal, committed
  std::vector<int64_t> lines;          // by stream, committed
};

struct ServiceStatus {
  bool joined = false;  // the group has given us tasks, or said that there are none
  bool draining = false;
  std::string trouble;  // of the cluster or the group; empty: none
  std::map<int32_t, TaskStatus> tasks;
  int64_t assignments = 0;

  // What keeps this service from being ready, one sentence each; none: it is ready.
  std::vector<std::string> NotReady() const;
};

// Thread-safe.
class StatusBoard {
 public:
  // Changes the status under the lock.
  template <typename Change>
  void Update(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(&status_);
  }
  ServiceStatus Get() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  ServiceStatus status_;  // guarded by mutex_
};

}  // namespace ebb
