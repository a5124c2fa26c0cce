// What reference sources say of a customer: the latest value of each of their fields, in fixed cells of the row. Latest
// is by the order of records, so a late record that is released behind another wins over it. A field that a record
// doesn't have keeps its value; one that is null there loses it.
#pragma once

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/plan.h"

namespace ebb {

// The cells of one reference source. Immutable after construction.
class ReferenceRow {
 public:
  // Takes its places in the row. `plan` outlives this; `source` is the source's name.
  ReferenceRow(const ReferencePlan& plan, const std::string& source, RowLayoutBuilder* layout);

  void Update(const Record& record, RowRef* row) const;
  // Fills the fields' registers.
  void Read(const RowRef& row, double* registers) const;

  // Of one customer: a word for each field, and one that tells which are known.
  static int64_t Bytes(const ReferencePlan& plan) { return 8 * (1 + static_cast<int64_t>(plan.fields.size())); }

 private:
  const ReferencePlan& plan_;
  int cells_;  // bits of the known fields, then the fields' values
};

}  // namespace ebb
