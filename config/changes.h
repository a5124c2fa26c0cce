// What becomes of each part of a pipeline when another file takes its place: what is kept, what has to be computed anew
// from the history, what is dropped. Numbers of a part are kept when it says the same, and all that it reads does.
#pragma once

#include <string>
#include <vector>

#include "config/pipeline.h"

namespace ebb {

struct Change {
  enum class Fate : uint8_t { kKept, kBackfilled, kDropped };
  std::string kind;  // "source", "feature", "score", "alert"
  std::string name;
  Fate fate = Fate::kKept;
  std::string why;  // of what is backfilled: "new", "changed", "feature momentum changed"
};

struct Changes {
  std::vector<Change> parts;  // by kind; of each kind those of the new file in its order, then those that are dropped
  bool same_state = false;    // nothing that decides a result differs: a state of the old file serves the new one
  DurationMs history = 0;     // that the windows of the new file look back on, if they all end
  bool endless = false;       // some look back on all that ever was
};

Changes ChangesBetween(const PipelineFile& old, const PipelineFile& fresh);

}  // namespace ebb
