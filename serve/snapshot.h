// Snapshots: copies of a task's state in a directory that other machines reach, too (a mount), for the day on which its
// disk is lost. A copy is whole or isn't there: files first, then an index that names them with their checksums, then
// the name. What the copy before has already isn't written again, but linked.
//
//   ROOT/GROUP/task-3/epoch-812/index      who made it of what, and the files, sealed by a checksum
//   ROOT/GROUP/task-3/epoch-812/000017.sst ...
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace ebb {

// Whose snapshots: those of another cluster, pipeline or version aren't touched.
struct SnapshotOwner {
  std::string root;
  std::string cluster, group, pipeline, fingerprint;
  int64_t task = 0;
};

struct SnapshotFile {
  std::string name;
  int64_t bytes = 0;
  uint64_t checksum = 0;
};

struct Snapshot {
  std::string path;
  int64_t epoch = 0;
  int64_t made_ms = 0;  // wall clock
  std::vector<SnapshotFile> files;
};

inline constexpr size_t kKeptSnapshots = 2;

// Copies a checkpoint into its place and removes all but the newest kKeptSnapshots. Cancelled, without a trace, when
// `stop` turns true meanwhile. ResourceExhausted when the disk is full.
absl::StatusOr<Snapshot> KeepSnapshot(const SnapshotOwner& owner, const std::string& checkpoint, int64_t epoch,
                                      int64_t wall_ms, const std::atomic<bool>& stop);
// The newest first; those whose index can't be read, or that are of somebody else, are left out.
absl::StatusOr<std::vector<Snapshot>> ListSnapshots(const SnapshotOwner& owner);
// What the index in `path` says, and whose snapshot it is (without its root). DataLoss when it can't be read.
absl::StatusOr<std::pair<SnapshotOwner, Snapshot>> ReadSnapshot(const std::string& path);
// Whether the files are as the index says: DataLoss names the first one that isn't.
absl::Status VerifySnapshot(const Snapshot& snapshot);
// Makes `directory`, which must not exist, a store from the newest snapshot that is as its index says and of an epoch
// after `than`; empty when there is none. What was wrong with newer ones is in `warnings`.
absl::StatusOr<std::optional<Snapshot>> RestoreSnapshot(const SnapshotOwner& owner, const std::string& directory,
                                                        int64_t than, std::vector<std::string>* warnings);

}  // namespace ebb
