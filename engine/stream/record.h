// A decoded record: a fixed header, one 64-bit slot per field of its schema, then the key's bytes, in one piece of
// memory, so that it can be copied, queued and handed to another thread without a pointer in it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/stream/reason.h"
#include "engine/stream/schema.h"
#include "engine/stream/time.h"

namespace ebb {

// What becomes of a record in the ledger. A record that isn't kUse has no slots; its tail may hold the payload for the
// quarantine.
enum class Fate : uint8_t { kUse, kFilter, kQuarantine, kTombstone };
// Whether the record meets its customer's row.
inline bool IsUsed(Fate fate) { return fate == Fate::kUse || fate == Fate::kTombstone; }

// The header; slots and tail bytes follow it directly. Made by RecordBuilder only.
struct Record {
  TimeMs effective;      // where it stands in the order
  TimeMs time;           // its own event time; kBeforeTime when it has none
  TimeMs newest_before;  // M(r): the largest event time at smaller offsets of its log
  int64_t offset;        // number of the record in its log, from 0
  uint64_t key_hash;     // HashKey(key())
  uint64_t nulls;        // bit i: slot i is null
  uint16_t source;       // ordinal of the source
  uint16_t log;          // partition or file number within the source
  uint16_t slot_count;
  uint16_t key_bytes;
  uint32_t payload_bytes;  // quarantine only: bytes after the key
  Fate fate;
  Reason reason;
  bool late;
  uint8_t reserved;

  int64_t* slots() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* slots() const { return reinterpret_cast<const int64_t*>(this + 1); }
  bool is_null(int slot) const { return (nulls >> slot & 1) != 0; }
  // Of a slot that is null: whether the record says so, or has nothing there.
  bool says_null(int slot) const { return slots()[slot] != 0; }
  const char* tail() const { return reinterpret_cast<const char*>(slots() + slot_count); }
  std::string_view key() const { return {tail(), key_bytes}; }
  std::string_view payload() const { return {tail() + key_bytes, payload_bytes}; }
  // Bytes of the whole, rounded up to 8.
  size_t bytes() const {
    return (sizeof(Record) + slot_count * sizeof(int64_t) + key_bytes + payload_bytes + 7) & ~size_t{7};
  }
};
static_assert(sizeof(Record) % 8 == 0);

// xxh3-64 of the key: decides the task, and finds the row.
uint64_t HashKey(std::string_view key);
// The slot of a kString field.
int64_t HashText(std::string_view text);

// Scratch space in which a decoder builds one record. Slots start as null. Confined to its task's thread.
class RecordBuilder {
 public:
  // Says that the record has a null in the slot, which is more than having nothing there.
  void SetNull(int slot) { said_null |= uint64_t{1} << slot; }

  // Empties the record for a schema with `slot_count` fields.
  void Reset(int slot_count) {
    time = kBeforeTime;
    nulls = slot_count >= 64 ? ~uint64_t{0} : (uint64_t{1} << slot_count) - 1;
    said_null = 0;
    key_bytes = 0;
    filtered = false;
    unit_guess = "";
  }
  void SetSlot(int slot, int64_t value) {
    slots[slot] = value;
    nulls &= ~(uint64_t{1} << slot);
  }
  // key.size() <= kMaxKeyBytes.
  void SetKey(std::string_view key) {
    std::memcpy(key_text, key.data(), key.size());
    key_bytes = static_cast<uint16_t>(key.size());
  }
  std::string_view key() const { return {key_text, key_bytes}; }

  TimeMs time = kBeforeTime;
  uint64_t nulls = 0;
  uint64_t said_null = 0;  // of the slots in `nulls`: those to which the record gives the value null
  uint16_t key_bytes = 0;
  const char* unit_guess =
      "";                 // with kTimeOutOfRange: the unit in which the time would be plausible; "" when there is none
  bool filtered = false;  // the source's `where:` says no, or its key is missing and `missing_key: filter`
  int64_t slots[kMaxFields];
  char key_text[kMaxKeyBytes];
};

}  // namespace ebb
