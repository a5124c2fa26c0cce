// Opening what the pipeline file names.
#include "config/assemble.h"

#include <filesystem>

#include <fmt/format.h>

#include "config/diagnostic.h"
#include "connectors/file/file_log.h"
#include "connectors/format/json_decoder.h"
#include "connectors/generator/generator_log.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

std::string InFolder(const std::string& folder, const std::string& path) {
  if (path.empty() || path == "-" || path.front() == '/') return path;
  return (std::filesystem::path(folder) / path).string();
}

std::unique_ptr<Decoder> WithDerivedFields(std::unique_ptr<Decoder> decoder, const SourceConfig& source) {
  if (source.derived.empty()) return decoder;
  return std::make_unique<DerivingDecoder>(std::move(decoder), &source.derived);
}

absl::Status OpenFiles(const SourceConfig& source, const std::string& pattern, SourceInput* input) {
  EBB_ASSIGN_OR_RETURN(std::vector<std::string> files, ExpandGlob(pattern));
  for (const std::string& path : files) {
    EBB_ASSIGN_OR_RETURN(LogInput log, OpenFile(source.schema, path));
    input->logs.push_back(std::move(log));
  }
  return absl::OkStatus();
}

absl::StatusOr<SourceInput> OpenSource(const SourceConfig& source, const InputPaths& paths,
                                       const GeneratorOptions& generator) {
  SourceInput input{&source.schema, {}, source.slot_count()};
  const auto [first, last] = paths.equal_range(source.schema.name);
  if (first != last) {
    for (auto it = first; it != last; ++it) EBB_RETURN_IF_ERROR(OpenFiles(source, it->second, &input));
  } else if (source.origin == SourceConfig::Origin::kFile) {
    EBB_RETURN_IF_ERROR(OpenFiles(source, InFolder(source.folder, source.location), &input));
  } else if (source.origin == SourceConfig::Origin::kGenerate) {
    EBB_ASSIGN_OR_RETURN(std::unique_ptr<Log> log, OpenGenerator(source.location, generator));
    input.logs.push_back({std::move(log), NewJsonDecoder(source.schema)});
  } else {
    return absl::InvalidArgumentError(fmt::format(
        "source '{0}' reads topic '{1}'; a replay needs files: --input {0}=PATH", source.schema.name, source.location));
  }
  for (LogInput& log : input.logs) log.decoder = WithDerivedFields(std::move(log.decoder), source);
  return input;
}

}  // namespace

std::unique_ptr<Decoder> NewTopicDecoder(const SourceConfig& source) {
  return WithDerivedFields(NewJsonDecoder(source.schema), source);
}

const OutputConfig& OutputOf(const PipelineFile& file, Stream stream) {
  switch (stream) {
    case Stream::kAlerts:
      return file.alerts;
    case Stream::kScores:
      return file.scores;
    case Stream::kQuarantine:
      return file.quarantine;
    case Stream::kShadow:
      return file.shadow;
  }
  return file.alerts;
}

absl::StatusOr<std::vector<SourceInput>> OpenInputs(const PipelineFile& file, const InputPaths& paths,
                                                    const GeneratorOptions& generator) {
  std::vector<std::string> names;
  for (const SourceConfig& source : file.sources) names.push_back(source.schema.name);
  for (const auto& [name, path] : paths) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::string hint = DidYouMean(name, names);
    return absl::InvalidArgumentError(fmt::format("--input {}={}: the pipeline has no source '{}'{} ({})", name, path,
                                                  name, hint.empty() ? "" : "; " + hint, KnownNames(names)));
  }
  std::vector<SourceInput> inputs;
  for (const SourceConfig& source : file.sources) {
    EBB_ASSIGN_OR_RETURN(SourceInput input, OpenSource(source, paths, generator));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::string OutputPath(const PipelineFile& file, Stream stream, const std::map<std::string, std::string>& paths) {
  auto given = paths.find(std::string(StreamName(stream)));
  if (given != paths.end()) return given->second;
  const OutputConfig& output = OutputOf(file, stream);
  if (!output.file.empty()) return output.file;
  if (!output.topic.empty()) return output.topic + ".jsonl";
  return stream == Stream::kAlerts ? "-" : "";
}

}  // namespace ebb
