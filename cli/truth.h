// The truth file: who left, when, and perhaps why. A CSV file with a header; of its columns `customer_id`, `leaves_at`
// (RFC 3339 or a date; empty: stays) and, where there is one, `cause` are read. `ebb generate` writes one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/generator/generator.h"

namespace ebb {

// In the order of the file. InvalidArgument names the first line that can't be used, or a customer who stands twice;
// NotFound when there is no such file.
absl::StatusOr<std::vector<Truth>> ReadTruth(const std::string& path);
// The same of a text; `name` is what messages call it.
absl::StatusOr<std::vector<Truth>> ParseTruth(const std::string& name, std::string_view text);

}  // namespace ebb
