// The store contract: customers' encoded rows and the task's progress, changed together or not at all. Two
// implementations, memory and RocksDB, pass one contract suite (tests/contract). No uncommitted row ever enters a
// store.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/stream/time.h"

namespace ebb {

// One commit: all of it becomes visible and durable (against a killed process) together.
struct StateBatch {
  // Customer key -> encoded row, in ascending key order, no key twice. An empty value deletes the row.
  // The views must stay valid during Commit.
  std::vector<std::pair<std::string_view, std::string_view>> rows;
  std::string progress;  // replaces the former
};

// Every store's Commit begins with this: a commit whose rows are out of order is a bug of ours.
void CheckAscending(const StateBatch& batch);

// When a customer who isn't in memory is to be looked at.
struct AwayTimer {
  TimeMs time;
  std::string key;
};

// Timers of customers who aren't in memory, on the disk of the store, for one task. They go with the object, and with
// the process: a start makes them anew from the rows, which are what is true; an entry that a row has outlived does no
// harm. Confined to its task's thread.
class AwayTimers {
 public:
  virtual ~AwayTimers() = default;

  // None may lie before the limit that Take was called with last.
  virtual absl::Status Add(TimeMs time, std::string_view key) = 0;
  // Takes those out that lie before `limit`, at most so many, the earliest first.
  virtual absl::StatusOr<std::vector<AwayTimer>> Take(TimeMs limit, size_t most) = 0;
  // No timer is earlier; kAfterTime: there is none.
  virtual TimeMs earliest() const = 0;
};

std::unique_ptr<AwayTimers> NewMemoryAwayTimers();

// Confined to its task's thread.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // The last committed progress; empty in a new store.
  virtual absl::StatusOr<std::string> ReadProgress() = 0;
  // The committed rows of the keys, in their order; an empty string where there is none. Corruption is DataLoss.
  virtual absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) = 0;
  // Calls `visit(key, row)` for every committed row in ascending key order until it returns an error, which is
  // returned.
  virtual absl::Status ScanRows(
      const std::function<absl::Status(std::string_view key, std::string_view row)>& visit) = 0;
  virtual absl::Status Commit(const StateBatch& batch) = 0;
  // Makes all that was committed durable against power loss, too.
  virtual absl::Status Sync() = 0;
  // Makes `directory`, which must not exist, a store that holds what was committed. It shares the files of this one
  // where it can (links), so it is quick and small, must lie on the same disk, and is to be read and removed soon.
  // Unimplemented for a store without files.
  virtual absl::Status Checkpoint(const std::string& directory);
  // New and empty, for one of the tasks that use the store, which outlives them. In memory unless the store has files.
  virtual absl::StatusOr<std::unique_ptr<AwayTimers>> NewAwayTimers() { return NewMemoryAwayTimers(); }
};

std::unique_ptr<StateStore> NewMemoryStore();

struct RocksDbStoreOptions {
  bool read_only = false;   // for `ebb state`: changes nothing, needs an existing store
  bool check_files = true;  // reads all files first; false for who has just done so
  size_t block_cache_bytes = kMostBufferBytes;
  size_t write_buffer_bytes = kMostBufferBytes;  // there may be three of them

  static constexpr size_t kMostBufferBytes = size_t{64} << 20;
  static constexpr size_t kLeastBufferBytes = size_t{1} << 20;
  // The buffers of a store whose task may take so much memory (0: no limit) have a sixteenth of it each.
  void FitTo(size_t memory_bytes) {
    if (memory_bytes == 0) return;
    block_cache_bytes = write_buffer_bytes = std::clamp(memory_bytes / 16, kLeastBufferBytes, kMostBufferBytes);
  }
};
// Opens or makes the store in `directory`. FailedPrecondition when another process holds it; DataLoss when it is
// damaged; ResourceExhausted when the disk is full. After any error of Commit the store refuses further commits.
absl::StatusOr<std::unique_ptr<StateStore>> OpenRocksDbStore(const std::string& directory,
                                                             const RocksDbStoreOptions& options);

}  // namespace ebb
