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
// Calls `visit` for each row of tables that share a store, in key order; `away` of them are in the store only, of which
// it sees a copy that is gone afterwards. DataLoss when the store doesn't hold as many, or one can't be read.
absl::Status VisitRows(const std::vector<RowTable*>& tables, size_t away, StateStore* store,
                       const std::function<void(RowRef)>& visit);
// Equal when all rows are.
absl::StatusOr<uint64_t> DigestRows(const std::vector<RowTable*>& tables, size_t away, StateStore* store);

}  // namespace ebb
