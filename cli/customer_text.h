// One customer at one instant: features, scores and the episodes of each alert, as a table and as a line of JSON.
#pragma once

#include <string>
#include <vector>

#include "config/pipeline.h"
#include "operators/pipeline_operator.h"

namespace ebb {

// `registers` as Pipeline::Compute left them for `row` at `as_of`. Each line is ended.
std::string CustomerTable(const PipelineFile& file, const Pipeline& pipeline, const RowRef& row, TimeMs as_of,
                          const std::vector<double>& registers, bool colour);
// {"customer_id":...,"as_of":...,"last_record":...,"features":{...},"scores":{...},"alerts":{...}}; durations in
// seconds.
std::string CustomerJson(const Pipeline& pipeline, const RowRef& row, TimeMs as_of,
                         const std::vector<double>& registers);

}  // namespace ebb
