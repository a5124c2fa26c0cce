// Decodes CSV records (RFC 4180, commas) whose columns a header line names. A quote inside a cell that doesn't begin
// with one is an ordinary character.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "connectors/format/record_rules.h"
#include "engine/stream/schema.h"

namespace ebb {

// `schema` outlives the decoder; its paths are column names. InvalidArgument when a column isn't in the header, occurs
// there twice, or the header isn't CSV. An empty cell is the same as an absent value; keys, times, numbers and bools
// are trimmed of spaces, texts aren't.
absl::StatusOr<std::unique_ptr<FormatDecoder>> NewCsvDecoder(const SourceSchema& schema, std::string_view header_line);

// A header line with the columns that the schema reads.
std::string CsvHeaderOf(const SourceSchema& schema);

}  // namespace ebb
