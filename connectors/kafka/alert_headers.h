// CloudEvents headers (binary mode) of a message, so that consumers can route it without parsing it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/task/operator.h"

namespace ebb {

// ce_specversion, ce_id, ce_type, ce_source, ce_time (where the message has an event time) and content-type. `place` is
// the message's own place ("task/epoch/number"): its id where the value has none. An alert's id is its alert_id and
// revision, the same in a replay.
std::vector<std::pair<std::string, std::string>> MessageHeaders(Stream stream, std::string_view pipeline,
                                                                std::string_view value, std::string_view place);

}  // namespace ebb
