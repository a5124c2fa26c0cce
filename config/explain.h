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
// Lines on one part of it. A source's are told without the place that its records come from.
void ExplainSource(const PipelineFile& pipeline, const SourceConfig& source, std::string* out);
std::string FeatureText(const PipelineFile& pipeline, const FeatureName& feature);
void ExplainScore(const PipelineFile& pipeline, const ScorePlan& score, bool own_evaluation, std::string* out);
void ExplainAlert(const PipelineFile& pipeline, const AlertPlan& alert, std::string* out);
// The same as one JSON object, with the size of a customer's row.
std::string ExplainJson(const PipelineFile& file, const RowSize& size, const RowAssumption& assumption);

}  // namespace ebb
