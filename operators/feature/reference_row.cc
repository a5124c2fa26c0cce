// Cells to registers and back.
#include "operators/feature/reference_row.h"

#include <bit>

#include <fmt/format.h>

#include "engine/base/math.h"

namespace ebb {

ReferenceRow::ReferenceRow(const ReferencePlan& plan, const std::string& source, RowLayoutBuilder* layout)
    : plan_(plan), cells_(layout->AddCells(fmt::format("{}.known", source), 1)) {
  for (const ReferencePlan::Field& field : plan.fields) {
    layout->AddCells(fmt::format("{}.{}.{}", source, field.name, static_cast<int>(field.type)), 1);
  }
}

void ReferenceRow::Update(const Record& record, RowRef* row) const {
  int64_t* const cells = row->cells() + cells_;
  for (size_t i = 0; i < plan_.fields.size(); ++i) {
    const int slot = plan_.fields[i].slot;
    const int64_t bit = static_cast<int64_t>(uint64_t{1} << i);
    if (!record.is_null(slot)) {
      cells[0] |= bit;
      cells[1 + i] = record.slots()[slot];
    } else if (record.says_null(slot)) {
      cells[0] &= ~bit;
      cells[1 + i] = 0;
    }
  }
}

void ReferenceRow::Read(const RowRef& row, double* registers) const {
  const int64_t* const cells = row.cells() + cells_;
  for (size_t i = 0; i < plan_.fields.size(); ++i) {
    const ReferencePlan::Field& field = plan_.fields[i];
    double value = kNull;
    if ((static_cast<uint64_t>(cells[0]) >> i & 1) != 0) {
      value = field.type == FieldType::kString ? std::bit_cast<double>(cells[1 + i])
                                               : static_cast<double>(cells[1 + i]) / PowerOfTen(field.decimals);
    }
    registers[field.target] = value;
  }
}

}  // namespace ebb
