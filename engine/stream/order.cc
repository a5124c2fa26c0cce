// 1. What arrived since the last release is split: below the watermark it is sorted, the rest joins the heap.
// 2. The heap gives up what the watermark has passed, sorted as it comes.
// 3. Both are merged.
// In a stream with little disorder few records ever see the heap.
#include "engine/stream/order.h"

#include <algorithm>

namespace ebb {
namespace {

constexpr size_t kFirstChunkBytes = size_t{4} << 10;
constexpr size_t kLargestChunkBytes = size_t{256} << 10;

}  // namespace

Record* RecordBatch::Add(size_t bytes) {
  if (chunks_.empty() || chunks_.back()->capacity - chunks_.back()->used < bytes) {
    size_t next = chunks_.empty() ? kFirstChunkBytes : std::min(kLargestChunkBytes, chunks_.back()->capacity * 4);
    chunks_.push_back(std::make_unique<RecordChunk>(std::max(next, bytes)));
  }
  RecordChunk& chunk = *chunks_.back();
  auto* record = reinterpret_cast<Record*>(chunk.data.get() + chunk.used);
  chunk.used += bytes;
  ++chunk.waiting;
  return record;
}

TimeMs Order::earliest() const {
  TimeMs earliest = heap_.empty() ? kAfterTime : heap_.front().effective;
  for (const Entry& entry : fresh_) earliest = std::min(earliest, entry.effective);
  return earliest;
}

void Order::Push(RecordBatch batch) {
  for (std::unique_ptr<RecordChunk>& chunk : batch.TakeChunks()) {
    uint32_t place;
    if (free_slots_.empty()) {
      place = static_cast<uint32_t>(chunks_.size());
      chunks_.emplace_back();
    } else {
      place = free_slots_.back();
      free_slots_.pop_back();
    }
    for (size_t at = 0; at < chunk->used;) {
      auto* record = reinterpret_cast<Record*>(chunk->data.get() + at);
      fresh_.push_back({record->effective, uint32_t{record->source} << 16 | record->log, place, record});
      at += record->bytes();
    }
    chunks_[place] = std::move(chunk);
  }
}

void Order::Free(uint32_t chunk) {
  if (--chunks_[chunk]->waiting == 0) finished_.push_back(chunk);
}

const std::vector<Record*>& Order::Release(TimeMs watermark) {
  for (uint32_t chunk : finished_) {
    chunks_[chunk].reset();
    free_slots_.push_back(chunk);
  }
  finished_.clear();
  released_.clear();
  ready_.clear();
  const auto later = [](const Entry& a, const Entry& b) { return b < a; };
  for (const Entry& entry : fresh_) {
    if (entry.effective < watermark) {
      ready_.push_back(entry);
    } else {
      heap_.push_back(entry);
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  fresh_.clear();
  if (!std::is_sorted(ready_.begin(), ready_.end())) std::sort(ready_.begin(), ready_.end());
  size_t next = 0;
  while (!heap_.empty() && heap_.front().effective < watermark) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    for (; next < ready_.size() && ready_[next] < heap_.back(); ++next) released_.push_back(ready_[next].record);
    released_.push_back(heap_.back().record);
    Free(heap_.back().chunk);
    heap_.pop_back();
  }
  for (; next < ready_.size(); ++next) released_.push_back(ready_[next].record);
  for (const Entry& entry : ready_) Free(entry.chunk);
  return released_;
}

}  // namespace ebb
