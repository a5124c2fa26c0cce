// How a customer came to be as the state says: the customer's records are read once more from the pipeline's inputs,
// and the values are looked at on the way. Nothing is stored for it, so a state that was stopped and resumed shows the
// same.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "connectors/generator/generator.h"
#include "operators/pipeline_operator.h"

namespace ebb {

struct HistoryOptions {
  int days = 0;                     // how far back; 0: no history
  std::vector<std::string> inputs;  // NAME=PATH
  GeneratorOptions generator;
};

// A customer at one instant.
struct Glance {
  TimeMs at = 0;
  std::vector<double> features, scores;  // in the order of the pipeline file
  std::vector<std::string> reasons;      // of each score the weightiest; empty without one
};

struct History {
  std::vector<Glance> glances;  // evenly apart, the last at the end; from the customer's first record on
  bool same = true;             // its end is what the state says, so the inputs are those that made it
};

inline constexpr int kHistoryGlances = 45;  // at most; they are an hour apart, or more

// `registers` are the customer's values at `end` by the state. Records of other customers are read and passed over,
// unless the pipeline has features of the population: otherwise they change no value. InvalidArgument when a source has
// no file to read.
absl::StatusOr<History> ReadHistory(const PipelineFile& file, const Pipeline& pipeline, const std::string& customer,
                                    TimeMs end, const std::vector<double>& registers, const HistoryOptions& options);

// A line for each feature and score, with the smallest and the largest value; then the reasons as they changed. At most
// `width` columns wide, but for long names.
std::string HistoryText(const Plan& plan, const History& history, int width, bool colour, bool utf8);
// {"at":[...],"features":{NAME:[...]},"scores":{NAME:[...]},"reasons":{NAME:[...]},"same":true}
std::string HistoryJson(const Plan& plan, const History& history);

}  // namespace ebb
