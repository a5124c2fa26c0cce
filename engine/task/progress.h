// What one commit says of how far the job has come: the position of every log, the length of every output, the ledger.
// It is stored in the same batch as the rows that it belongs to, and is all that a restart needs beside them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/observe/ledger.h"
#include "engine/stream/time.h"
#include "engine/task/log_position.h"

namespace ebb {

struct OutputPosition {
  std::string stream;
  int64_t bytes = 0;
  int64_t lines = 0;
};

struct Progress {
  static constexpr int kVersion = 4;  // 1 to 3: of rows in another form
  static constexpr int64_t kNoTask = -1;

  std::string pipeline;
  std::string fingerprint;      // of everything that decides a result
  int64_t task = kNoTask;       // number of the live task; a job over files has none
  int64_t epoch = 0;            // number of commits
  TimeMs cursor = kBeforeTime;  // everything with an effective time below it has been applied, nothing else
  bool finished = false;
  uint64_t chain = 0;  // hash over all lines of output so far; of a live task: over all journal records
  std::vector<LogPosition> logs;
  std::vector<OutputPosition> outputs;
  std::vector<std::pair<std::string, SourceLedger>> ledger;  // by source
  std::vector<std::pair<std::string, int64_t>> counters;
  std::vector<int64_t> told;  // by meetings (Operator::told)
};

// FailedPrecondition, with both values, unless the progress is of this pipeline in this version.
absl::Status CheckSamePipeline(const Progress& progress, std::string_view pipeline, std::string_view fingerprint);

// Sentences about what in the progress contradicts itself; none of it is possible without a defect.
std::vector<std::string> Contradictions(const Progress& progress);

// One step of a hash over a chain of texts; the chain begins with 0.
uint64_t ChainHash(uint64_t chain, std::string_view text);
// One step of the digest of a whole state, which begins with 0: each row in key order, as EncodeRow wrote it.
uint64_t StateDigestStep(uint64_t digest, std::string_view key, std::string_view row);

// Text with one fact a line, checked by a hash at its end.
std::string EncodeProgress(const Progress& progress);
// DataLoss when the text is damaged; FailedPrecondition when a newer version wrote it.
absl::StatusOr<Progress> DecodeProgress(std::string_view text);

}  // namespace ebb
