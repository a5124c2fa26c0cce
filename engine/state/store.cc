// What every store checks of a commit before it takes it, and what a store without files answers.
#include "engine/state/store.h"

#include "engine/base/check.h"

namespace ebb {

void CheckAscending(const StateBatch& batch) {
  for (size_t i = 1; i < batch.rows.size(); ++i) {
    EBB_CHECK(batch.rows[i - 1].first < batch.rows[i].first, "row {} of a commit of {} rows is out of order", i,
              batch.rows.size());
  }
}

absl::Status StateStore::Checkpoint(const std::string& directory) {
  return absl::UnimplementedError("this store has no files that could be kept in " + directory);
}

}  // namespace ebb
