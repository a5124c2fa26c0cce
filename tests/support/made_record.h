// A record made by hand, for tests of what comes after decoding: times are given, a missing slot is null.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/stream/order.h"
#include "engine/stream/record.h"

namespace ebb {

// Confined to its task's thread.
class MadeRecord {
 public:
  MadeRecord(std::string_view key, TimeMs time, const std::vector<std::optional<int64_t>>& slots = {}) {
    Record header{};
    header.time = header.effective = time;
    header.newest_before = kBeforeTime;
    header.key_hash = HashKey(key);
    header.slot_count = static_cast<uint16_t>(slots.size());
    header.key_bytes = static_cast<uint16_t>(key.size());
    for (size_t i = 0; i < slots.size(); ++i) header.nulls |= slots[i] ? 0 : uint64_t{1} << i;
    words_.resize(header.bytes() / 8);
    *record() = header;
    for (size_t i = 0; i < slots.size(); ++i) record()->slots()[i] = slots[i].value_or(0);
    std::memcpy(const_cast<char*>(record()->tail()), key.data(), key.size());
  }

  Record* get() { return record(); }
  Record* operator->() { return record(); }
  const Record& operator*() const { return *reinterpret_cast<const Record*>(words_.data()); }
  void AddTo(RecordBatch* batch) const {
    const size_t bytes = words_.size() * sizeof(uint64_t);
    std::memcpy(static_cast<void*>(batch->Add(bytes)), words_.data(), bytes);
  }

 private:
  Record* record() { return reinterpret_cast<Record*>(words_.data()); }

  std::vector<uint64_t> words_;
};

}  // namespace ebb
