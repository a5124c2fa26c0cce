// `ebb demo`: made-up customers of a telephone company, a shop and a bank go through the shipped pipelines, and the
// warnings are held against what really happened.
#pragma once

#include <string>

#include "connectors/generator/generator.h"

namespace ebb {

struct DemoOptions {
  std::string directory;  // for the files; empty: a new one among the system's temporary files
  std::string program;    // how this binary is called in the commands that are suggested
  GeneratorOptions generator{.customers = 2000};
  bool quiet = false;  // no progress bar
  bool json = false;   // the figures as one JSON object
};

// Exit code: 0 done, 1 failed or stopped, 2 wrong options.
int RunDemo(const DemoOptions& options);

}  // namespace ebb
