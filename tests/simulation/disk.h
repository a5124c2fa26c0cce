// Disks of processes and the snapshots between them. A store's commit survives a killed process; after a power loss the
// last commits that were not synced may be missing, never one in the middle.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/state/store.h"
#include "tests/simulation/machine.h"

namespace ebb {

struct StoredState {
  std::map<std::string, std::string> rows;
  std::string progress;

  void Apply(const StoredState& batch);
};

// One task's folder on one disk. Confined to its task's thread.
class TaskFolder {
 public:
  bool empty() const { return now_.progress.empty(); }
  const StoredState& now() const { return now_; }
  void Commit(StoredState batch);
  void Sync();
  // Of the commits since the last sync only the first `kept` are left.
  void LoseUnsynced(size_t kept);
  size_t unsynced() const { return unsynced_.size(); }
  void Restore(const StoredState& state);

 private:
  StoredState now_;
  StoredState synced_;
  std::deque<StoredState> unsynced_;  // batches
};

// Where a thread waits that writes the state.
inline constexpr std::string_view kAtState = "writing the state";

struct StoreFaults {
  double not_written = 0, written_failed = 0, unread = 0;
};

// Told of the progress of each commit that took effect.
using StateWritten = std::function<void(const std::string& progress)>;

// Confined to its task's thread.
class SimulatedStore : public StateStore {
 public:
  SimulatedStore(Thread* thread, TaskFolder* folder, const StoreFaults& faults, StateWritten written,
                 std::function<void()> ambush)
      : thread_(*thread), folder_(*folder), faults_(faults), written_(std::move(written)), ambush_(std::move(ambush)) {}

  absl::StatusOr<std::string> ReadProgress() override;
  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override;
  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override;
  absl::Status Commit(const StateBatch& batch) override;
  absl::Status Sync() override;

 private:
  Scheduler& scheduler() const { return thread_.machine().scheduler(); }

  Thread& thread_;
  TaskFolder& folder_;
  const StoreFaults faults_;
  const StateWritten written_;
  const std::function<void()> ambush_;  // may prepare the end of the process
  bool broken_ = false;
};

}  // namespace ebb
