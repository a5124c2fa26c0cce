// The journal of a live task: one record for each epoch, written in the same transaction as what the epoch sent out. It
// says which decisions the epoch took, not what state it reached: with the logs and these records every epoch can be
// done again, to the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/task/log_position.h"

namespace ebb {

// Numbers that an epoch gave to the lines of one stream: [first, end).
struct OutputNumbers {
  std::string stream;
  int64_t first = 0;
  int64_t end = 0;
};

struct JournalRecord {
  static constexpr int kVersion = 1;

  int64_t task = 0;
  std::string pipeline;
  std::string fingerprint;
  int64_t epoch = 0;              // from 1, without gaps
  TimeMs cursor = kBeforeTime;    // the epoch did everything below it that earlier epochs had not done
  int64_t wall_ms = 0;            // if all logs were idle: the wall clock by which time went on last; else 0
  std::vector<LogPosition> logs;  // after the epoch; floors and skipped: those that it decided
  std::vector<OutputNumbers> outputs;
  uint64_t digest = 0;  // of all messages, and of ledger and counters after the epoch
  uint64_t chain = 0;   // hash of the chain before and of everything above
};

// Sets record->chain, from the chain of the epoch before (0 before the first), and gives the text: one fact a line,
// checked by a hash at its end.
std::string EncodeJournalRecord(uint64_t previous_chain, JournalRecord* record);
// DataLoss when the text is damaged; FailedPrecondition when a newer version wrote it.
absl::StatusOr<JournalRecord> DecodeJournalRecord(std::string_view text);
// The chain that the record must have when `previous_chain` is right.
uint64_t JournalChain(uint64_t previous_chain, const JournalRecord& record);

}  // namespace ebb
