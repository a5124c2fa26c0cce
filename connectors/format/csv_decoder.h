// Decodes CSV records (RFC 4180, commas) whose columns a header line names. A quote inside a cell that doesn't begin
// with one is an ordinary character.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/format/record_rules.h"
#include "engine/stream/schema.h"

namespace ebb {

// `schema` outlives the decoder; its paths are column names. InvalidArgument when a column isn't in the header, occurs
// there twice, or the header isn't CSV. An empty cell is the same as an absent value; keys, times, numbers and bools
// are trimmed of spaces, texts aren't.
absl::StatusOr<std::unique_ptr<FormatDecoder>> NewCsvDecoder(const SourceSchema& schema, std::string_view header_line);

// The cells of one record, as texts; empty when it isn't CSV.
std::optional<std::vector<std::string>> CsvCells(std::string_view record);

// A header line with the columns that the schema reads.
std::string CsvHeaderOf(const SourceSchema& schema);

}  // namespace ebb
