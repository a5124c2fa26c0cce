// Snapshots of one task beside its work: the checkpoint is made by the task's thread, which is quick, and copied by a
// thread of its own, which may not be.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "engine/state/store.h"
#include "engine/stream/time.h"
#include "serve/snapshot.h"

namespace ebb {

// Confined to its task's thread.
class SnapshotWriter {
 public:
  SnapshotWriter() = default;
  // Gives up what is being copied.
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // No copy is under way, and the last one was begun long enough ago; the first one is due at once.
  bool Due(int64_t monotonic_ms, DurationMs interval) const;
  // Makes a checkpoint of the store in `folder`, and begins to copy it. `reached` is told of the points snapshot_begun,
  // snapshot_copied; may be empty.
  absl::Status Begin(const SnapshotOwner& owner, StateStore* store, const std::string& folder, int64_t epoch,
                     int64_t monotonic_ms, int64_t wall_ms, std::function<void(std::string_view)> reached);
  // What became of a copy, once.
  std::optional<absl::StatusOr<Snapshot>> TakeResult();

 private:
  int64_t begun_ms_ = INT64_MIN / 4;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  std::mutex mutex_;
  std::optional<absl::StatusOr<Snapshot>> result_;  // guarded by mutex_
};

}  // namespace ebb
