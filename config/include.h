// One pipeline out of several files: `include:` names files, or shipped packs as pack:NAME, that a file builds on.
// Each file's errors stand in that file; config/merge.h says how the trees are joined.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/pipeline.h"
#include "config/yaml.h"

namespace ebb {

inline constexpr int kMaxIncludeDepth = 8;    // files that include one another in a row
inline constexpr int kMaxIncludedFiles = 64;  // of one pipeline, each counted once

// What a file holds, or why it can't be read.
struct FileText {
  std::string text;
  std::string problem;     // empty when all is well
  bool too_large = false;  // more than kMaxYamlBytes
};
FileText ReadFileText(const std::string& path);

// The tree of the diagnostics' file, with variables resolved and all that it includes below it. Fills `parts` by
// Position::file. Empty when a file isn't readable YAML.
std::optional<YamlNode> ReadWithIncludes(const VariableSource& variables, std::vector<PipelinePart>* parts,
                                         Diagnostics* diagnostics);

}  // namespace ebb
