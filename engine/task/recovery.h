// What a live task may go on from: the checks between its state and the journal, before a record is read. Anything that
// doesn't fit is refused with what to do; nothing is guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/journal.h"
#include "engine/task/progress.h"

namespace ebb {

struct TaskIdentity {
  std::string pipeline;
  std::string fingerprint;
  int64_t task = 0;
};

// FailedPrecondition unless the state is of this task of this pipeline in this version.
absl::Status CheckState(const TaskIdentity& identity, const Progress& state);

// `journal`: the encoded records from the state's epoch on (from epoch 1 without a state), as Delivery::Open gave them.
// Returns them decoded, oldest first, the record of the state's own epoch included. DataLoss when one is damaged.
// FailedPrecondition when the state is ahead of them or of another history, or when epochs that must be done again were
// done by another version of the pipeline; OutOfRange when epochs between are gone: a newer state would do.
absl::StatusOr<std::vector<JournalRecord>> CheckJournal(const TaskIdentity& identity,
                                                        const std::optional<Progress>& state,
                                                        const std::vector<std::string>& journal);

}  // namespace ebb
