// What is written, and what is left of it.
#include "tests/simulation/disk.h"

#include <utility>

#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr size_t kMaxUnsynced = 12;  // the system writes older ones by itself

}  // namespace

void StoredState::Apply(const StoredState& batch) {
  for (const auto& [key, row] : batch.rows) {
    if (row.empty()) {
      rows.erase(key);
    } else {
      rows[key] = row;
    }
  }
  progress = batch.progress;
}

void TaskFolder::Commit(StoredState batch) {
  now_.Apply(batch);
  unsynced_.push_back(std::move(batch));
  if (unsynced_.size() <= kMaxUnsynced) return;
  synced_.Apply(unsynced_.front());
  unsynced_.pop_front();
}

void TaskFolder::Sync() {
  for (const StoredState& batch : unsynced_) synced_.Apply(batch);
  unsynced_.clear();
}

void TaskFolder::LoseUnsynced(size_t kept) {
  EBB_CHECK(kept <= unsynced_.size());
  unsynced_.resize(kept);
  Sync();
  now_ = synced_;
}

void TaskFolder::Restore(const StoredState& state) {
  now_ = synced_ = state;
  unsynced_.clear();
}

absl::StatusOr<std::string> SimulatedStore::ReadProgress() {
  thread_.Sleep(scheduler().random().Between(0, 2), "reading the state");
  if (scheduler().Strike(Fault::kStateUnread, faults_.unread)) return absl::UnavailableError("reading the state");
  return folder_.now().progress;
}

absl::StatusOr<std::vector<std::string>> SimulatedStore::ReadRows(const std::vector<std::string_view>& keys) {
  thread_.Sleep(scheduler().random().Between(0, 1), "reading the state");
  if (scheduler().Strike(Fault::kRowsUnread, faults_.unread / 10)) return absl::UnavailableError("reading the state");
  scheduler().Note(Fault::kRowsRead);
  std::vector<std::string> rows;
  for (std::string_view key : keys) {
    const auto row = folder_.now().rows.find(std::string(key));
    rows.push_back(row == folder_.now().rows.end() ? std::string() : row->second);
  }
  return rows;
}

absl::Status SimulatedStore::ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) {
  for (const auto& [key, row] : folder_.now().rows) {
    if (absl::Status status = visit(key, row); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SimulatedStore::Commit(const StateBatch& batch) {
  CheckAscending(batch);
  if (broken_) return absl::UnavailableError("the store refuses after an error");
  broken_ = true;
  ambush_();
  thread_.Sleep(scheduler().random().Between(0, 2), kAtState);
  if (scheduler().Strike(Fault::kStateNotWritten, faults_.not_written)) {
    return absl::UnavailableError("writing the state");
  }
  StoredState written;
  for (const auto& [key, row] : batch.rows) written.rows[std::string(key)] = std::string(row);
  written.progress = batch.progress;
  folder_.Commit(std::move(written));
  written_(batch.progress);
  thread_.Sleep(scheduler().random().Between(0, 1), kAtState);
  if (scheduler().Strike(Fault::kStateWrittenFailed, faults_.written_failed)) {
    return absl::UnavailableError("writing the state");
  }
  broken_ = false;
  return absl::OkStatus();
}

absl::Status SimulatedStore::Sync() {
  thread_.Sleep(scheduler().random().Between(0, 3), "syncing the state");
  folder_.Sync();
  return absl::OkStatus();
}

}  // namespace ebb
