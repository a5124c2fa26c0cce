// What a pipeline file does, in words: sources, windows with their tiles and error bounds, features, scores, alerts and
// outputs. This is what `ebb explain FILE` prints.
#pragma once

#include <string>

#include "config/pipeline.h"
#include "config/row_size.h"

namespace ebb {

// Several lines, each ended, at most about 120 columns wide unless an expression is longer. Without `utf8` the picture
// of the flow is drawn with ASCII.
std::string ExplainPipeline(const PipelineFile& pipeline, bool utf8 = true);
// The same as one JSON object, with the size of a customer's row.
std::string ExplainJson(const PipelineFile& file, const RowSize& size, const RowAssumption& assumption);

}  // namespace ebb
