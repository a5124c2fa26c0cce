// What holds for a record in every format once its values have been read: which value goes where, what is missing, what
// stands for it, and which of several faults is named. Faults of the whole record come first, then the time's, the
// key's, the fields'.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/stream/log.h"
#include "engine/stream/record.h"
#include "engine/stream/schema.h"

namespace ebb {

// A use of a value: the record's key, its time, or a slot. Immutable after construction.
struct Target {
  enum class Kind : uint8_t { kKey, kTime, kSlot, kId };  // kId: a slot in which an empty text is absent
  Kind kind = Kind::kSlot;
  FieldType type = FieldType::kInt;
  TimeUnit unit = TimeUnit::kMillis;
  int8_t decimals = 0;
  int slot = 0;
};

// Where a value stands (the schema's path, as written) and what it is used for. Immutable after construction.
struct Use {
  std::string_view path;
  Target target;
};

// All uses of a schema with a path; the views live as long as the schema.
std::vector<Use> SchemaUses(const SourceSchema& schema);

// Faults of one record that don't make its bytes unreadable; the first of each kind is kept.
// Confined to its task's thread.
struct Faults {
  Reason duplicate = Reason::kNone;
  Reason time = Reason::kNone;
  Reason key = Reason::kNone;
  Reason field = Reason::kNone;
  bool any = false;

  // `reason` may be kNone.
  void Add(Target::Kind kind, Reason reason) {
    if (reason == Reason::kNone) [[likely]]
      return;
    any = true;
    Reason& kept = kind == Target::Kind::kKey ? key : kind == Target::Kind::kTime ? time : field;
    if (kept == Reason::kNone) kept = reason;
  }
  void AddDuplicate() {
    any = true;
    duplicate = Reason::kDuplicateField;
  }
};

// Ends a record: puts in what `missing:` and `missing_key:` say, and gives the verdict. Immutable after construction.
class RecordRules {
 public:
  explicit RecordRules(const SourceSchema& schema);

  int slot_count() const { return slot_count_; }
  // Sets out->filtered when the key is missing and the schema says so; the record then needs no fields, only a time.
  Reason Finish(const Faults& faults, RecordBuilder* out) const {
    const bool complete =
        !faults.any && out->key_bytes != 0 && out->time != kBeforeTime && (out->nulls & watched_) == 0;
    return complete ? Reason::kNone : FinishIncomplete(faults, out);
  }

  // What a message without a value, with this key, means (Decoder::DecodeTombstone).
  Reason Tombstone(std::string_view key, RecordBuilder* out) const;

 private:
  Reason FinishIncomplete(const Faults& faults, RecordBuilder* out) const;

  const SourceSchema& schema_;
  int slot_count_;
  uint64_t watched_ = 0;   // slots with `missing:`, and required ones
  uint64_t required_ = 0;  // slots that must have a value
};

// A decoder of this folder: it also shows what it took for the time. Confined to its task's thread.
class FormatDecoder : public Decoder {
 public:
  // The bytes of the last record's time, with JSON's quotes; empty when it had none. Valid as long as that record's
  // bytes.
  virtual std::string_view time_text() const = 0;
};

}  // namespace ebb
