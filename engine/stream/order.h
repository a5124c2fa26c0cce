// The order of one task: records wait here until the watermark has passed them, then leave sorted by
// (effective time, source ordinal, log, offset). Released is what lies strictly below the watermark: a record at the
// watermark itself may still get a neighbour that sorts before it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/stream/record.h"

namespace ebb {

// A piece of memory that holds whole records one after another; freed when the last of them has been released.
struct RecordChunk {
  explicit RecordChunk(size_t capacity_bytes) : data(new char[capacity_bytes]), capacity(capacity_bytes) {}
  std::unique_ptr<char[]> data;
  size_t capacity;
  size_t used = 0;
  int waiting = 0;  // records not released yet
};

// Records of one hand-over from the intake to a task, in the order in which they were read.
// Confined to its task's thread.
class RecordBatch {
 public:
  // Space for a record of `bytes` (a multiple of 8); the caller fills it at once.
  Record* Add(size_t bytes);
  bool empty() const { return chunks_.empty(); }
  std::vector<std::unique_ptr<RecordChunk>> TakeChunks() { return std::move(chunks_); }

 private:
  std::vector<std::unique_ptr<RecordChunk>> chunks_;
};

// Where re-reading of one log must begin, so that nothing unreleased is missed.
struct LowMark {
  int64_t offset;
  TimeMs newest_before;
};

// Confined to its task's thread.
class Order {
 public:
  void Push(RecordBatch batch);
  // The records below `watermark` in order; they stay valid until the next call of Release.
  const std::vector<Record*>& Release(TimeMs watermark);
  // The lowest waiting offset of each log that has one: visit(source, log, mark).
  template <typename Visit>
  void ForEachLowMark(Visit visit) const;
  // Memory of everything that waits, or was released last.
  size_t bytes() const {
    size_t sum = 0;
    for (const std::unique_ptr<RecordChunk>& chunk : chunks_) sum += chunk == nullptr ? 0 : chunk->capacity;
    return sum;
  }
  size_t waiting() const { return fresh_.size() + heap_.size(); }
  // Effective time of the first record that waits; kAfterTime without one.
  TimeMs earliest() const;

 private:
  struct Entry {
    TimeMs effective;
    uint32_t log;  // source ordinal << 16 | log
    uint32_t chunk;
    Record* record;
    bool operator<(const Entry& other) const {
      if (effective != other.effective) return effective < other.effective;
      if (log != other.log) return log < other.log;
      return record->offset < other.record->offset;
    }
  };

  void Free(uint32_t chunk);

  std::vector<std::unique_ptr<RecordChunk>> chunks_;
  std::vector<uint32_t> free_slots_;  // places of chunks_ that are empty
  std::vector<uint32_t> finished_;    // chunks whose last record is in released_
  std::vector<Entry> fresh_;          // arrived since the last Release, unsorted
  std::vector<Entry> heap_;           // what earlier calls left behind, smallest first
  std::vector<Entry> ready_;
  std::vector<Record*> released_;
};

template <typename Visit>
void Order::ForEachLowMark(Visit visit) const {
  for (const auto* entries : {&fresh_, &heap_}) {
    for (const Entry& entry : *entries) {
      visit(entry.record->source, entry.record->log, LowMark{entry.record->offset, entry.record->newest_before});
    }
  }
}

}  // namespace ebb
