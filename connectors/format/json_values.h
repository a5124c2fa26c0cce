// Where the values of a JSON record go: each is converted to what the schema makes of its place (key, time, slot), and
// what is wrong with it is noted. Both readers of records (json_decoder.cc and json_quick.cc) hand their values to it.
#pragma once

#include <string_view>

#include "connectors/format/json_paths.h"
#include "connectors/format/number.h"
#include "connectors/format/record_rules.h"

namespace ebb {

// Confined to its task's thread.
class JsonValues {
 public:
  explicit JsonValues(const SourceSchema& schema) : key_is_int_(schema.key_is_int) {}

  // Forgets the last record; values go to `out` now, which is empty.
  void Begin(RecordBuilder* out) {
    out_ = out;
    faults_ = Faults();
    time_text_ = {};
  }

  // `quoted` is the text as it stands in the record, with its quotes.
  void TakeText(const JsonNode& node, std::string_view text, std::string_view quoted);
  void TakeNumber(const JsonNode& node, const Number& number) {
    const bool small = !number.point && !number.exponent && number.digits <= Number::kExactDigits;
    const auto whole = static_cast<int64_t>(number.mantissa);
    for (const Target& target : node.targets) {
      if (small && target.kind >= Target::Kind::kSlot && target.type == FieldType::kInt) {
        out_->SetSlot(target.slot, number.negative ? -whole : whole);
      } else {
        StoreNumber(target, number);
      }
    }
  }
  void TakeBool(const JsonNode& node, bool value);
  void TakeNull(const JsonNode& node);
  // An object or array where a single value is read.
  void TakeContainer(const JsonNode& node);
  // A place that the record has twice.
  void TakeDuplicate() { faults_.AddDuplicate(); }

  const Faults& faults() const { return faults_; }
  // As FormatDecoder says.
  std::string_view time_text() const { return time_text_; }

 private:
  void StoreText(const Target& target, std::string_view text);
  void StoreNumber(const Target& target, const Number& number);

  // Constant.
  const bool key_is_int_;
  // Of the record at hand.
  RecordBuilder* out_ = nullptr;
  Faults faults_;
  std::string_view time_text_;
};

}  // namespace ebb
