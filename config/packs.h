// The packs: pipelines that are shipped, each with the generator of its industry and the rule that warns of leaving.
// Their texts are those of config/pipelines/, taken into the binary when it was built; `include: pack:NAME` reads them.
#pragma once

#include <vector>

namespace ebb {

// Immutable after construction.
struct Pack {
  const char* name;  // of the industry, and of the file
  const char* rule;  // its first warning of a leaving
  const char* text;
};

const std::vector<Pack>& Packs();

}  // namespace ebb
