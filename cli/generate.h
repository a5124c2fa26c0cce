// `ebb generate`: made-up data with known truth, as files.
#pragma once

#include <string>

#include "connectors/generator/generator.h"

namespace ebb {

struct GenerateOptions {
  std::string industry;   // one of Industries()
  std::string directory;  // made if it doesn't exist
  GeneratorOptions generator;
};

// Writes the industry's streams and the truth about its customers, and prints the files' paths. Exit code: 0, 1 or 2.
int RunGenerate(const GenerateOptions& options);

}  // namespace ebb
