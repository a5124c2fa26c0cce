// `ebb bench FILE`: how fast a pipeline is on this machine, and how much of it is decoding.
#pragma once

#include <string>
#include <vector>

#include "connectors/generator/generator.h"

namespace ebb {

struct BenchOptions {
  std::string pipeline;
  std::vector<std::string> inputs;  // NAME=PATH
  std::string state;                // directory, to be made; empty: no store
  int tasks = 1;
  bool json = false;
  GeneratorOptions generator;
};
// Writes no outputs. Exit code: 0, 1 when something failed, 2 for wrong usage or files.
int RunBench(const BenchOptions& options);

}  // namespace ebb
