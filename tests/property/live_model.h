// The records of live partitions and their places in the order, by the definition: a model that shares no code with the
// engine but the types.
#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "engine/base/random.h"
#include "engine/observe/ledger.h"
#include "engine/stream/reason.h"
#include "engine/stream/schema.h"
#include "engine/task/log_position.h"
#include "tests/property/memory_log.h"
#include "tests/property/mixing.h"

namespace ebb {

inline constexpr DurationMs kMaxAhead = 500;

// What a topic's partition holds. Offsets that no entry has are gaps.
struct Partition {
  struct Entry {
    int64_t offset;
    MemoryRecord record;
    TimeMs append_time;
    bool null_value;
    int64_t appended_ms;  // monotonic
  };
  std::string name;
  std::vector<Entry> entries;
  int64_t begin = 0;  // older ones are gone
  int64_t end = 0;

  void Append(const MemoryRecord& record, TimeMs append_time, bool null_value, int64_t monotonic_ms) {
    entries.push_back({end++, record, append_time, null_value, monotonic_ms});
  }
};

// A record of about `now`, in an event time that lies `age` behind the wall clock: some are late, some lie too far
// ahead, some are filtered, some can't be read.
inline MemoryRecord MadeRecord(TimeMs now, DurationMs age, Random* random) {
  MemoryRecord record;
  record.key[0] = static_cast<char>('a' + random->Below(12));
  record.time = now - random->Between(0, random->Chance(0.1) ? 600 : 60);
  if (random->Chance(0.02)) record.time += random->Between(100, 900) + age;
  if (random->Chance(0.02)) record.time += kDay;
  record.value = random->Between(0, 99);
  record.filtered = random->Chance(0.05);
  if (random->Chance(0.05)) record.reason = random->Chance(0.5) ? Reason::kJsonSyntax : Reason::kMissingKey;
  return record;
}

struct Placed {
  TimeMs effective;
  int source;
  int64_t offset;
  bool late;
  MemoryRecord record;
  Reason reason;

  bool operator<(const Placed& other) const {
    return std::tie(effective, source, offset) < std::tie(other.effective, other.source, other.offset);
  }
};

// Whether it was decided to leave this record out, which would be used otherwise.
inline bool IsSkipped(const Placed& placed, const std::vector<SkippedRecord>& skips) {
  if (placed.reason != Reason::kNone || placed.record.filtered) return false;
  return std::any_of(skips.begin(), skips.end(), [&](const SkippedRecord& skip) {
    return skip.offset == placed.offset && placed.effective >= skip.from_time;
  });
}

// The place of the next entry of a partition. `newest`: M before it, and after; the floors are the caller's.
inline Placed PlaceEntry(const SourceSchema& schema, const Partition::Entry& entry,
                         const std::vector<SkippedRecord>& skips, TimeMs* newest) {
  const TimeSpec& spec = schema.time;
  const TimeMs low = *newest == kBeforeTime ? kBeforeTime : *newest - spec.disorder;
  const MemoryRecord& record = entry.record;
  Placed placed{low, schema.ordinal, entry.offset, false, record, record.reason};
  if (entry.null_value) placed.reason = Reason::kNullValue;
  if (placed.reason == Reason::kNone && record.time > entry.append_time + kMaxAhead) placed.reason = Reason::kTimeAhead;
  if (placed.reason != Reason::kNone) return placed;
  placed.late = record.time < low;
  if (spec.max_jump && *newest != kBeforeTime && record.time > *newest + *spec.max_jump) {
    placed.reason = Reason::kTimeJump;
  } else if (placed.late && spec.quarantine_late && !record.filtered) {
    placed.reason = Reason::kLate;
  } else {
    placed.effective = std::max(record.time, low);
    *newest = std::max(*newest, record.time);
    if (IsSkipped(placed, skips)) placed.reason = Reason::kSkipped;
  }
  return placed;
}

// What the record does; they come in order.
inline void Apply(const Placed& placed, MixingModel* model, SourceLedger* ledger,
                  std::vector<std::string>* quarantined) {
  if (placed.reason != Reason::kNone) {
    ++ledger->quarantined[static_cast<int>(placed.reason)];
    quarantined->push_back(fmt::format("source{} {} {}", placed.source, placed.offset, ReasonName(placed.reason)));
  } else if (placed.record.filtered) {
    ++ledger->filtered;
  } else {
    ++(placed.late ? ledger->late : ledger->used);
    model->Use(placed.record.key, placed.effective, placed.source, 0, placed.offset, placed.late, placed.record.value);
  }
}

}  // namespace ebb
