// The refusals of a start.
#include "engine/task/recovery.h"

#include <fmt/format.h>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

absl::Status CheckFirst(const std::optional<Progress>& state, const JournalRecord& first) {
  const int64_t expected = state ? state->epoch : 1;
  if (first.epoch == expected) {
    if (!state || first.chain == state->chain) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("the state and the journal are of different histories: epoch {} has the chain {:016x} in the state "
                    "and {:016x} in "
                    "the journal; take the state directory that belongs to this group, or begin with a new one",
                    state->epoch, state->chain, first.chain));
  }
  if (state) {
    return absl::OutOfRangeError(
        fmt::format("the journal begins at epoch {}, the state stands at epoch {}: what lies between can't be done "
                    "again; restore a newer snapshot, or begin with a new state directory and a new group",
                    first.epoch, state->epoch));
  }
  return absl::OutOfRangeError(
      fmt::format("there is no state, and the journal, which begins at epoch {}, doesn't reach back to epoch 1: "
                  "restore a snapshot, or begin with a new group",
                  first.epoch));
}

absl::Status CheckRecord(const TaskIdentity& identity, const JournalRecord& record) {
  if (record.task != identity.task || record.pipeline != identity.pipeline) {
    return absl::FailedPreconditionError(
        fmt::format("the journal belongs to task {} of pipeline '{}', this is task {} of '{}': give this pipeline a "
                    "journal topic of its own",
                    record.task, record.pipeline, identity.task, identity.pipeline));
  }
  return absl::OkStatus();
}

absl::Status CheckVersion(const TaskIdentity& identity, const JournalRecord& record) {
  if (record.fingerprint == identity.fingerprint) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("epoch {} was done by another version of pipeline '{}' (fingerprint {}, now {}) and has to be done "
                  "again: run that "
                  "version until it stops by itself at SIGTERM, which leaves nothing to do again, or begin with a new "
                  "state directory "
                  "and a new group",
                  record.epoch, record.pipeline, record.fingerprint, identity.fingerprint));
}

}  // namespace

absl::Status CheckState(const TaskIdentity& identity, const Progress& state) {
  if (state.task == Progress::kNoTask) {
    return absl::FailedPreconditionError("the state was made by a replay; a live task needs a directory of its own");
  }
  if (state.task != identity.task) {
    return absl::FailedPreconditionError(
        fmt::format("the state belongs to task {}, this is task {}", state.task, identity.task));
  }
  return CheckSamePipeline(state, identity.pipeline, identity.fingerprint);
}

absl::StatusOr<std::vector<JournalRecord>> CheckJournal(const TaskIdentity& identity,
                                                        const std::optional<Progress>& state,
                                                        const std::vector<std::string>& journal) {
  std::vector<JournalRecord> records;
  for (const std::string& text : journal) {
    EBB_ASSIGN_OR_RETURN(JournalRecord record, DecodeJournalRecord(text));
    EBB_RETURN_IF_ERROR(CheckRecord(identity, record));
    if (records.empty()) {
      EBB_RETURN_IF_ERROR(CheckFirst(state, record));
    } else if (record.epoch != records.back().epoch + 1) {
      return absl::DataLossError(fmt::format("the journal of task {} goes from epoch {} to epoch {}", identity.task,
                                             records.back().epoch, record.epoch));
    }
    const bool own = state && record.epoch == state->epoch;
    if (!own) {
      EBB_RETURN_IF_ERROR(CheckVersion(identity, record));
      const uint64_t chain = JournalChain(records.empty() ? 0 : records.back().chain, record);
      if (chain != record.chain) {
        return absl::DataLossError(
            fmt::format("the journal of task {} doesn't hold together at epoch {}: its chain is {:016x}, and should be "
                        "{:016x}",
                        identity.task, record.epoch, record.chain, chain));
      }
    }
    records.push_back(std::move(record));
  }
  if (state && records.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "the state stands at epoch {}, which the journal of task {} doesn't know: the state is ahead of what was "
        "committed, "
        "or the journal was lost; take the state directory that belongs to this group, or begin with a new one",
        state->epoch, identity.task));
  }
  return records;
}

}  // namespace ebb
