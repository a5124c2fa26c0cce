// The figures of a service in Prometheus' text format. Names: ebb_, base units, _total on counters
// (https://prometheus.io/docs/practices/naming/). No customer ever is a label.
#pragma once

#include <string>

#include "config/pipeline.h"
#include "serve/status_board.h"

namespace ebb {

std::string MetricsText(const PipelineFile& file, const ServiceStatus& status, const std::string& version);

}  // namespace ebb
