// `ebb demo`: made-up customers of a telephone company go through the shipped pipeline, and the warnings are held
// against what really happened.
#pragma once

#include <string>

#include "connectors/generator/telecom.h"

namespace ebb {

struct DemoOptions {
  std::string directory;  // for the files; empty: a new one among the system's temporary files
  std::string program;    // how this binary is called in the commands that are suggested
  TelecomOptions telecom{.customers = 3000};
  bool quiet = false;  // no progress bar
  bool json = false;   // the figures as one JSON object
};

// The text of config/pipelines/telecom.yaml, taken into the binary when it was built.
extern const char kTelecomPipeline[];

// Exit code: 0 done, 1 failed or stopped, 2 wrong options.
int RunDemo(const DemoOptions& options);

}  // namespace ebb
