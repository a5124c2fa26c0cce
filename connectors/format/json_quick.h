// Reads a JSON record that looks like those before it: members whose names are known, in the known order, some left
// out; no spaces but one behind a colon or a comma; texts of ASCII without escapes; no arrays. It takes one pass and no
// list of tokens. Every byte is checked here, too: with anything else it gives up, and the careful reader decides.
#pragma once

#include <string_view>

#include "connectors/format/json_paths.h"
#include "connectors/format/json_values.h"

namespace ebb {

// True: the record is whole, and `values` has what the careful reader would have given it. False: it has something
// unspecified. kReadPadding bytes can be read behind the record.
bool ReadQuickly(const JsonNode& root, std::string_view bytes, JsonValues* values);

}  // namespace ebb
