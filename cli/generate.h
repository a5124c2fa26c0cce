// `ebb generate`: made-up data with known truth, as files.
#pragma once

#include <string>

#include "connectors/generator/telecom.h"

namespace ebb {

struct GenerateOptions {
  std::string directory;  // made if it doesn't exist
  TelecomOptions telecom;
};

// Writes calls, recharges, complaints and the truth about customers, and prints the files' paths. Exit code: 0, 1 or 2.
int RunGenerate(const GenerateOptions& options);

}  // namespace ebb
