// What a source's records look like: which fields are decoded, of which type, where the customer's key and the event
// time stand. A schema is made by the pipeline file and read by decoders, so that what no feature uses is never parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

// Every field becomes one 64-bit slot of the record:
//   kInt      the integer; kDecimal the value times 10^decimals, rounded half to even; kBool 0 or 1
//   kString   xxh3-64 of the UTF-8 bytes (equality and distinct only; the text itself isn't kept)
//   kTime     milliseconds since 1970, in [kEarliestFieldTime, kLatestFieldTime)
enum class FieldType : uint8_t { kInt, kDecimal, kBool, kString, kTime };

enum class TimeUnit : uint8_t { kSeconds, kMillis, kMicros, kRfc3339 };
// "s", "ms", "us", "rfc3339": as a pipeline file writes it.
std::string_view TimeUnitName(TimeUnit unit);

enum class Format : uint8_t { kJson, kCsv };

struct Field {
  std::string name;
  std::string path;  // JSON pointer ("/a/b"), or CSV column name
  FieldType type = FieldType::kInt;
  int decimals = 0;                // 0..9, kDecimal only
  bool required = true;            // absent or null: quarantined as missing_field
  std::optional<int64_t> missing;  // slot value used when absent or null; beats `required`
};

struct TimeSpec {
  std::string path;
  TimeUnit unit = TimeUnit::kMillis;
  DurationMs disorder = 0;             // B: how far behind the newest a record may stand without being late
  std::optional<DurationMs> max_jump;  // a larger step of M quarantines the record
  bool quarantine_late = false;        // late: quarantine
  // Live logs only.
  std::optional<DurationMs> max_ahead;  // an event time further ahead of the append time quarantines; default: an hour
  DurationMs idle_after = kSecond;      // at its end for this long, a log no longer holds the watermark
};

// What happens with a record whose key is absent, null or empty.
enum class MissingKey : uint8_t { kQuarantine, kFilter, kUse };

// Immutable after construction.
struct SourceSchema {
  std::string name;
  uint16_t ordinal = 0;  // position in the total order; never renumbered for the life of a state
  Format format = Format::kJson;
  std::string key_path;
  bool key_is_int = false;  // 17850, "17850" and "17850.0" all name customer 17850; anything else is kBadKey
  MissingKey missing_key = MissingKey::kQuarantine;
  std::string missing_key_value;  // with kUse
  TimeSpec time;
  bool reference = false;     // says what is so of a customer: a message without a value then deletes that
  std::vector<Field> fields;  // at most kMaxFields; the order is that of the record's slots
  int id_slot = -1;           // the field that tells a record from its duplicates; an empty text there is absent
  bool id_required = true;    // without an id: quarantined as missing_id
};

inline constexpr int kMaxFields = 64;
inline constexpr int kMaxKeyBytes = 256;
inline constexpr int kMaxDepth = 32;                 // nesting of a JSON record
inline constexpr int kMaxRecordFields = 256;         // members of one JSON object, or CSV columns
inline constexpr int64_t kMaxRecordBytes = 1 << 20;  // a longer record is quarantined as too_large

}  // namespace ebb
