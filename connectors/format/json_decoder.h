// Decodes JSON records (one object each). Every byte is checked, also in values that nobody reads, so that a record is
// either decoded exactly or has a reason; only values that the schema names are converted.
#pragma once

#include <memory>

#include "connectors/format/record_rules.h"
#include "engine/stream/schema.h"

namespace ebb {

// `schema` outlives the decoder. Types: an int is a JSON integer; a decimal a number or a string that holds one; a bool
// true or false; a string a string or an integer. null is the same as absent.
std::unique_ptr<FormatDecoder> NewJsonDecoder(const SourceSchema& schema);

}  // namespace ebb
