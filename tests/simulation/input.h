// A partition of a topic that tasks read: producers append to it, some of them in transactions that stay open for a
// while and may be aborted; retention deletes what is old.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/live_model.h"
#include "tests/simulation/scheduler.h"

namespace ebb {

// Confined to its task's thread.
class Input {
 public:
  Input(std::string name, int broker, int64_t begin) : broker_(broker) {
    partition_.name = std::move(name);
    partition_.begin = partition_.end = begin;
  }

  const Partition& partition() const { return partition_; }
  int broker() const { return broker_; }
  // One past the last offset that a reader of committed data may see.
  int64_t stable_end() const { return open_.empty() ? partition_.end : open_.front().offset; }

  void Append(const MemoryRecord& record, TimeMs append_time, bool null_value) {
    partition_.Append(record, append_time, null_value, 0);
  }
  void Skip(int64_t offsets) { partition_.end += offsets; }
  // In the producer's open transaction: its offset is taken, whether it will be seen is open.
  void AppendOpen(const MemoryRecord& record, TimeMs append_time) {
    open_.push_back({partition_.end++, record, append_time, false, 0});
  }
  bool open() const { return !open_.empty(); }
  void EndTransaction(bool commit) {
    if (commit) {
      for (Partition::Entry& entry : open_) {
        const auto at = std::upper_bound(partition_.entries.begin(), partition_.entries.end(), entry.offset,
                                         [](int64_t offset, const Partition::Entry& e) { return offset < e.offset; });
        partition_.entries.insert(at, std::move(entry));
      }
    }
    open_.clear();
    ++partition_.end;  // the marker
  }
  void DeleteBefore(int64_t offset) {
    offset = std::min(offset, stable_end());
    if (offset <= partition_.begin) return;
    partition_.begin = offset;
  }

 private:
  const int broker_;
  Partition partition_;  // keeps what is deleted, for the reference; readers look at its begin
  std::vector<Partition::Entry> open_;
};

}  // namespace ebb
