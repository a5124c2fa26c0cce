// From a checked pipeline file to running parts: inputs are opened, each with its decoder, and outputs find their
// files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/pipeline.h"
#include "connectors/generator/generator.h"
#include "engine/task/intake.h"
#include "engine/task/operator.h"

namespace ebb {

// Paths or globs given on the command line instead of those in the file, by source.
using InputPaths = std::multimap<std::string, std::string>;

// All sources by ordinal, with the logs that `paths`, or else the pipeline file, names. Paths in the file are relative
// to its folder. InvalidArgument names a source that reads a topic and was given no path, or a path for an unknown
// source. `file` outlives the result.
absl::StatusOr<std::vector<SourceInput>> OpenInputs(const PipelineFile& file, const InputPaths& paths,
                                                    const GeneratorOptions& generator);

// The decoder of a topic's records, whose values are JSON. `source` outlives it.
std::unique_ptr<Decoder> NewTopicDecoder(const SourceConfig& source);

// Where the pipeline file sends a stream.
const OutputConfig& OutputOf(const PipelineFile& file, Stream stream);

// The file of an output stream in a replay: the one from the command line, else the pipeline's; a topic T stands for
// the file T.jsonl. Alerts that go nowhere go to standard output ("-"); other streams then are "" (counted, not
// written).
std::string OutputPath(const PipelineFile& file, Stream stream, const std::map<std::string, std::string>& paths);

}  // namespace ebb
