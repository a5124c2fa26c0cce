// The end of a replay, for people who know customers and not our code: what was read, who was warned, why, how early.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/verdict.h"
#include "config/pipeline.h"
#include "engine/task/job.h"
#include "operators/pipeline_operator.h"

namespace ebb {

// On standard error. What is said of customers needs all rows: the error of one that can't be read comes back.
absl::Status PrintSummary(const PipelineFile& file, const Pipeline& pipeline, Job* job);
struct Digests {
  uint64_t outputs = 0, state = 0;
};
// The same facts as one JSON object on standard output, with digests and a verdict where there are any (else null).
absl::Status PrintSummaryJson(const PipelineFile& file, const Pipeline& pipeline, Job* job, const Digests* digests,
                              const TruthVerdict* verdict);

}  // namespace ebb
