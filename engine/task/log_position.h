// Where one log stands in a commit: what must be read again after it, and the decisions that shaped its records' places
// in the order. Part of progress and journal records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stream/time.h"
#include "engine/task/text_record.h"

namespace ebb {

// A decision: for offsets >= from_offset, M >= newest. Taken when a live log no longer holds the watermark back.
struct Floor {
  int64_t from_offset;
  TimeMs newest;
};

// A decision: the record at this offset is quarantined instead of used, if its effective time is not below from_time
// (what was applied before the decision stays applied).
struct SkippedRecord {
  int64_t offset;
  TimeMs from_time;
};

// A record that was read: if it stands there no more, the log is another one, whatever its name.
struct Anchor {
  int64_t offset;
  uint64_t checksum;  // of its bytes

  bool operator==(const Anchor&) const = default;
};

struct LogPosition {
  std::string source;
  std::string name;
  std::string identity;         // of the log's beginning; empty: unknown
  int64_t low_offset = 0;       // the first record that may not have been applied
  TimeMs newest = kBeforeTime;  // M at the low offset
  // Live logs.
  int64_t start_offset = 0;            // the first record that was ever read
  std::optional<Anchor> anchor = {};   // the record at low_offset, or else the last one below
  std::optional<DurationMs> lag = {};  // how far the newest record's event time was behind its append time
  std::vector<Floor> floors = {};      // by from_offset
  std::vector<SkippedRecord> skipped = {};
};

// The position as lines of a text record; those of live logs only with `live`.
void AppendLogPosition(const LogPosition& log, bool live, std::string* text);
// Reads one such line, of which the first word `what` has been taken, into the last of `logs` or a new one. False when
// it is none.
bool ReadLogPosition(std::string_view what, Words* words, std::vector<LogPosition>* logs);

}  // namespace ebb
