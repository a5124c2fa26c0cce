// One function for each kind of value, and in it a case for each kind of target.
#include "connectors/format/json_values.h"

#include "connectors/format/scalar.h"

namespace ebb {

void JsonValues::TakeText(const JsonNode& node, std::string_view text, std::string_view quoted) {
  for (const Target& target : node.targets) {
    if (target.kind == Target::Kind::kTime) time_text_ = quoted;
    StoreText(target, text);
  }
}

void JsonValues::StoreText(const Target& target, std::string_view text) {
  Reason reason = Reason::kNone;
  if (target.kind == Target::Kind::kKey) {
    reason = TakeKey(text, key_is_int_, out_);
    if (reason == Reason::kMissingKey) reason = Reason::kNone;
  } else if (target.kind == Target::Kind::kTime) {
    reason = TimeFromText(text, target.unit, &out_->time);
  } else if (target.type == FieldType::kString) {
    if (target.kind == Target::Kind::kSlot || !text.empty()) out_->SetSlot(target.slot, HashText(text));
  } else if (target.type == FieldType::kDecimal || target.type == FieldType::kTime) {
    int64_t value = 0;
    reason = target.type == FieldType::kTime ? FieldTimeFromText(text, target.unit, &value)
                                             : DecimalFromText(text, target.decimals, &value);
    if (reason == Reason::kNone) out_->SetSlot(target.slot, value);
  } else {
    reason = Reason::kBadType;
  }
  faults_.Add(target.kind, reason);
}

void JsonValues::StoreNumber(const Target& target, const Number& number) {
  const bool whole = !number.point && !number.exponent;
  Reason reason = Reason::kNone;
  if (target.kind == Target::Kind::kTime) {
    time_text_ = number.text;
    reason = NumberToTime(number, target.unit, NumberStyle::kJson, &out_->time);
  } else if (target.kind == Target::Kind::kKey) {
    reason = whole || (key_is_int_ && !number.exponent) ? TakeKey(number.text, key_is_int_, out_) : Reason::kBadKey;
  } else {
    int64_t value = 0;
    switch (target.type) {
      case FieldType::kInt:
        reason = NumberToInt(number, NumberStyle::kJson, &value);
        break;
      case FieldType::kDecimal:
        reason = NumberToDecimal(number, target.decimals, &value);
        break;
      case FieldType::kBool:
        reason = Reason::kBadType;
        break;
      case FieldType::kString:
        reason = whole ? Reason::kNone : Reason::kBadType;
        value = HashText(number.text);
        break;
      case FieldType::kTime:
        reason = FieldTimeFromNumber(number, target.unit, NumberStyle::kJson, &value);
        break;
    }
    if (reason == Reason::kNone) out_->SetSlot(target.slot, value);
  }
  faults_.Add(target.kind, reason);
}

void JsonValues::TakeBool(const JsonNode& node, bool value) {
  for (const Target& target : node.targets) {
    if (target.kind == Target::Kind::kKey) {
      faults_.Add(target.kind, Reason::kBadKey);
    } else if (target.kind == Target::Kind::kTime) {
      faults_.Add(target.kind, Reason::kBadTime);
    } else if (target.type == FieldType::kBool) {
      out_->SetSlot(target.slot, value ? 1 : 0);
    } else {
      faults_.Add(target.kind, Reason::kBadType);
    }
  }
}

void JsonValues::TakeNull(const JsonNode& node) {
  for (const Target& target : node.targets) {
    if (target.kind == Target::Kind::kSlot) out_->SetNull(target.slot);
  }
}

void JsonValues::TakeContainer(const JsonNode& node) {
  for (const Target& target : node.targets) {
    faults_.Add(target.kind, target.kind == Target::Kind::kKey    ? Reason::kBadKey
                             : target.kind == Target::Kind::kTime ? Reason::kBadTime
                                                                  : Reason::kBadType);
  }
}

}  // namespace ebb
