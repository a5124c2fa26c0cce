// The verdict on a record: see record_rules.h.
#include "connectors/format/record_rules.h"

#include <simdjson.h>

#include "connectors/format/scalar.h"
#include "engine/base/check.h"

namespace ebb {

std::vector<Use> SchemaUses(const SourceSchema& schema) {
  std::vector<Use> uses;
  if (!schema.key_path.empty()) uses.push_back({schema.key_path, {.kind = Target::Kind::kKey}});
  if (!schema.time.path.empty()) {
    uses.push_back({schema.time.path, {.kind = Target::Kind::kTime, .unit = schema.time.unit}});
  }
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    if (field.path.empty()) continue;
    uses.push_back({field.path,
                    {.kind = static_cast<int>(i) == schema.id_slot ? Target::Kind::kId : Target::Kind::kSlot,
                     .type = field.type,
                     .unit = schema.time.unit,
                     .decimals = static_cast<int8_t>(field.decimals),
                     .slot = static_cast<int>(i)}});
  }
  return uses;
}

RecordRules::RecordRules(const SourceSchema& schema)
    : schema_(schema), slot_count_(static_cast<int>(schema.fields.size())) {
  EBB_CHECK(schema.fields.size() <= static_cast<size_t>(kMaxFields), "{} fields", schema.fields.size());
  EBB_CHECK(schema.missing_key_value.size() <= static_cast<size_t>(kMaxKeyBytes), "missing key of {} bytes",
            schema.missing_key_value.size());
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    EBB_CHECK(field.decimals >= 0 && field.decimals <= 9, "{} decimals", field.decimals);
    const uint64_t bit = uint64_t{1} << i;
    if (field.missing.has_value() || field.required) watched_ |= bit;
    if (field.required && !field.missing.has_value()) required_ |= bit;
  }
  if (schema.id_slot >= 0 && schema.id_required) watched_ |= uint64_t{1} << schema.id_slot;
}

Reason RecordRules::Tombstone(std::string_view key, RecordBuilder* out) const {
  if (!schema_.reference) return Reason::kNullValue;
  out->Reset(slot_count_);
  for (int slot = 0; slot < slot_count_; ++slot) out->SetNull(slot);
  return simdjson::validate_utf8(key.data(), key.size()) ? TakeKey(key, schema_.key_is_int, out) : Reason::kBadKey;
}

Reason RecordRules::FinishIncomplete(const Faults& faults, RecordBuilder* out) const {
  if (faults.duplicate != Reason::kNone) return faults.duplicate;
  if (faults.time != Reason::kNone) return faults.time;
  if (out->time == kBeforeTime) return Reason::kMissingTime;
  Reason field_reason = faults.field;
  if (field_reason == Reason::kNone) {
    const bool lacks_id = schema_.id_slot >= 0 && schema_.id_required && (out->nulls >> schema_.id_slot & 1) != 0;
    if (lacks_id) field_reason = Reason::kMissingId;
    if ((out->nulls & required_) != 0) field_reason = Reason::kMissingField;
    for (int slot = 0; slot < slot_count_; ++slot) {
      const std::optional<int64_t>& missing = schema_.fields[static_cast<size_t>(slot)].missing;
      if ((out->nulls >> slot & 1) != 0 && missing.has_value()) out->SetSlot(slot, *missing);
    }
  }
  if (faults.key != Reason::kNone) return faults.key;
  if (out->key_bytes == 0) {
    switch (schema_.missing_key) {
      case MissingKey::kQuarantine:
        return Reason::kMissingKey;
      case MissingKey::kFilter:
        out->filtered = true;
        return Reason::kNone;
      case MissingKey::kUse:
        out->SetKey(schema_.missing_key_value);
        break;
    }
  }
  return field_reason;
}

}  // namespace ebb
