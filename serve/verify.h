// Parity: a captured run is done again, by the code that recovers a task, and every line that the live run put on its
// topics is compared with what comes out now.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "engine/task/operator.h"
#include "serve/capture.h"

namespace ebb {

struct ParityReport {
  int32_t tasks = 0;
  int64_t epochs = 0;
  std::array<int64_t, kStreamCount> identical{};  // lines
  TimeMs cursor = kBeforeTime;                    // the latest of the tasks: event time up to which all is compared
  std::string difference;                         // the first one, for people; empty: there is none
};

// FailedPrecondition when the capture is of another pipeline or version; DataLoss when it is damaged.
absl::StatusOr<ParityReport> VerifyCapture(const PipelineFile& file, const std::string& folder);

}  // namespace ebb
