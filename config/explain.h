// What a pipeline file does, in words: sources, windows with their tiles and error bounds, features, scores, alerts and
// outputs. This is what `ebb explain FILE` prints.
#pragma once

#include <string>

#include "config/pipeline.h"

namespace ebb {

// Several lines, each ended, at most about 120 columns wide unless an expression is longer.
std::string ExplainPipeline(const PipelineFile& pipeline);

}  // namespace ebb
