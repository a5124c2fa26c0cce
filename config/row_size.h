// How many bytes a customer's row takes: at most, from the layout; typically, by running the pipeline over made-up
// records and looking at the rows that they leave.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "operators/pipeline_operator.h"

namespace ebb {

// What is assumed of a typical customer.
struct RowAssumption {
  int records_a_day = 5;  // over all sources together, in equal shares, evenly over the day
};

struct RowSize {
  double typical = 0;  // stored, with the key and what every row has
  int64_t most = 0;
  double memory = 0;  // typically taken in memory
  int days = 0;       // that the assumed customers have been there: longer than every window, if windows are finite
};

inline constexpr int kAssumedKeyBytes = 12;
inline constexpr int kMostAssumedDays = 400;

absl::StatusOr<RowSize> EstimateRowSize(const PipelineFile& file, const Pipeline& pipeline,
                                        const RowAssumption& assumption);
// Two lines, the first a heading.
std::string RowSizeText(const RowSize& size, const RowAssumption& assumption);

}  // namespace ebb
