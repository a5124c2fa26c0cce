// Generated streams as logs, so that a pipeline with `generate: telecom.calls` runs without any input, and as files.
// Every opening of the same stream with the same options reads the same records.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connectors/generator/generator.h"
#include "engine/stream/log.h"

namespace ebb {

// `name` is one of GeneratedStreams(). NotFound for another name, InvalidArgument for options out of range.
absl::StatusOr<std::unique_ptr<Log>> OpenGenerator(const std::string& name, const GeneratorOptions& options);

// Writes NAME.jsonl for each stream of the industry, and the truth as truth.csv, into a directory that exists; files of
// these names are replaced. Gives the paths, the truth's last.
absl::StatusOr<std::vector<std::string>> WriteGenerated(const Industry& industry, const GeneratorOptions& options,
                                                        const std::string& directory);

}  // namespace ebb
