// Fields that are computed from a record's own fields, and the source's `where:`, as a decoder around a decoder. A
// computed field has a slot like any other, so that everything behind the decoder sees one kind of field only.
#pragma once

#include <memory>
#include <vector>

#include "engine/stream/log.h"
#include "engine/stream/record.h"
#include "operators/plan.h"

namespace ebb {

// What a source computes from its records. Slots of computed fields follow those of the decoded ones.
// Immutable after construction.
struct DerivedFieldsPlan {
  struct Load {
    int slot = 0;
    FieldType type = FieldType::kInt;
    int decimals = 0;
    int reg = 0;
  };
  struct Computed {
    Segment segment;
    int reg = 0;  // the value, after the segment has run
    int slot = 0;
    FieldType type = FieldType::kInt;
    int decimals = 0;
    int stored = -1;  // register that then gets the value as it was stored (rounded); -1: nothing reads it
  };

  Program program;
  std::vector<Load> loads;         // of decoded slots
  int time_reg = -1;               // gets the record's event time; -1: nothing reads it
  std::vector<Computed> computed;  // in the order in which they are computed
  Segment filter;                  // runs after all of them
  int filter_reg = -1;             // the source's `where:`; -1: every record passes

  bool empty() const { return computed.empty() && filter_reg < 0; }
};

// Computes the fields of each record that the inner decoder accepts. Numbers are rounded half to even to the field's
// digits; one of 2^53 units or more is kOutOfRange; null stays null, but a bool that is null becomes false. A record
// for which `where:` isn't true is marked as filtered, whatever its computed fields are. Confined to its task's thread.
class DerivingDecoder : public Decoder {
 public:
  // `plan` outlives this.
  DerivingDecoder(std::unique_ptr<Decoder> inner, const DerivedFieldsPlan* plan)
      : inner_(std::move(inner)), plan_(*plan), registers_(plan->program.initial) {}

  Reason Decode(std::string_view bytes, RecordBuilder* out) override;
  Reason DecodeTombstone(std::string_view key, RecordBuilder* out) override {
    return inner_->DecodeTombstone(key, out);
  }

 private:
  void Load(const RecordBuilder& record);
  // Stores one computed field; false when its value is out of range, and the slot is then null.
  bool Store(const DerivedFieldsPlan::Computed& computed, RecordBuilder* out);

  std::unique_ptr<Decoder> inner_;
  const DerivedFieldsPlan& plan_;
  std::vector<double> registers_;
};

}  // namespace ebb
