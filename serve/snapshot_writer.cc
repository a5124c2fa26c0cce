// One thread at a time, joined when its result is taken.
#include "serve/snapshot_writer.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/base/status_macros.h"

namespace ebb {

SnapshotWriter::~SnapshotWriter() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

bool SnapshotWriter::Due(int64_t monotonic_ms, DurationMs interval) const {
  return !thread_.joinable() && monotonic_ms - begun_ms_ >= interval;
}

absl::Status SnapshotWriter::Begin(const SnapshotOwner& owner, StateStore* store, const std::string& folder,
                                   int64_t epoch, int64_t monotonic_ms, int64_t wall_ms,
                                   std::function<void(std::string_view)> reached) {
  begun_ms_ = monotonic_ms;
  std::error_code error;
  std::filesystem::remove_all(folder, error);  // of a process that was killed
  EBB_RETURN_IF_ERROR(store->Checkpoint(folder));
  if (reached) reached("snapshot_begun");
  thread_ = std::thread([this, owner, folder, epoch, wall_ms, reached = std::move(reached)] {
    absl::StatusOr<Snapshot> kept = KeepSnapshot(owner, folder, epoch, wall_ms, stop_);
    if (reached) reached("snapshot_copied");
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    const std::lock_guard lock(mutex_);
    result_ = std::move(kept);
  });
  return absl::OkStatus();
}

std::optional<absl::StatusOr<Snapshot>> SnapshotWriter::TakeResult() {
  std::optional<absl::StatusOr<Snapshot>> result;
  {
    const std::lock_guard lock(mutex_);
    result.swap(result_);
  }
  if (result) thread_.join();
  return result;
}

}  // namespace ebb
