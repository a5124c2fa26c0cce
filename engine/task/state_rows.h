// Between tables of rows and a store: what a commit of the state holds, and one number for all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/state/row.h"
#include "engine/state/store.h"
#include "engine/task/progress.h"

namespace ebb {

// The progress stored by an earlier run; empty when there is none.
absl::StatusOr<std::optional<Progress>> ReadProgress(StateStore* store);

std::vector<RowRef> RowsInKeyOrder(const std::vector<RowTable*>& tables);

// Rows as a commit holds them, in key order. The keys are those in the table: good until its rows change.
struct EncodedRows {
  std::vector<std::pair<std::string_view, std::string_view>> rows;  // key, bytes
  std::vector<std::string> blocks;                                  // where the bytes lie
};
// Those that differ from what was written last.
EncodedRows EncodeChangedRows(RowTable* table);
// One batch with the rows of all tables and the progress that they belong to.
absl::Status WriteState(const std::vector<const EncodedRows*>& tables, const Progress& progress, StateStore* store);
absl::Status UnreadableRow(std::string_view key, size_t bytes);
// Calls `visit` for each of the rows. For a cold one it is a copy from the store, which is gone afterwards.
absl::Status VisitRows(const std::vector<RowRef>& rows, StateStore* store, const std::function<void(RowRef)>& visit);
// Makes the rows of the table with these indexes whole, which are cold; one may be named more than once. DataLoss when
// one can't be read.
absl::Status ThawRows(const std::vector<uint32_t>& indexes, StateStore* store, RowTable* table);
// Equal when all rows are.
absl::StatusOr<uint64_t> DigestRows(const std::vector<RowRef>& rows, StateStore* store);

}  // namespace ebb
