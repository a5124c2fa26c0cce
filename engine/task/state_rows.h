// Between tables of rows and a store: what a commit of the state holds, and one number for all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/state/row.h"
#include "engine/state/store.h"
#include "engine/task/progress.h"

namespace ebb {

// The progress stored by an earlier run; empty when there is none.
absl::StatusOr<std::optional<Progress>> ReadProgress(StateStore* store);

std::vector<RowRef> RowsInKeyOrder(const std::vector<RowTable*>& tables);
// Those that differ from what was written last.
std::vector<RowRef> ChangedRowsInKeyOrder(const std::vector<RowTable*>& tables);
// One batch with the rows and the progress that they belong to.
absl::Status WriteState(const std::vector<RowRef>& rows, const Progress& progress, StateStore* store);
absl::Status UnreadableRow(std::string_view key, size_t bytes);
// Calls `visit` for each of the rows. For a cold one it is a copy from the store, which is gone afterwards.
absl::Status VisitRows(const std::vector<RowRef>& rows, StateStore* store, const std::function<void(RowRef)>& visit);
// Makes the rows of the table with these indexes whole, which are cold; one may be named more than once. DataLoss when
// one can't be read.
absl::Status ThawRows(const std::vector<uint32_t>& indexes, StateStore* store, RowTable* table);
// Equal when all rows are.
absl::StatusOr<uint64_t> DigestRows(const std::vector<RowRef>& rows, StateStore* store);

}  // namespace ebb
