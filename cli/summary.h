// The end of a replay, for people who know customers and not our code: what was read, who was warned, why, how early.
#pragma once

#include <string>
#include <vector>

#include "config/pipeline.h"
#include "engine/task/job.h"
#include "operators/pipeline_operator.h"

namespace ebb {

// On standard error.
void PrintSummary(const PipelineFile& file, const Pipeline& pipeline, Job* job);
// The same facts as one JSON object on standard output, with the digests of outputs and state if wanted.
void PrintSummaryJson(const PipelineFile& file, const Pipeline& pipeline, Job* job, bool digests);

}  // namespace ebb
