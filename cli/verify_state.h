// `ebb state verify`: checks everything that a directory holds, the state of a replay, the tasks of a service,
// snapshots, and changes nothing in it.
#pragma once

#include "cli/state.h"
#include "config/pipeline.h"

namespace ebb {

// One sentence for each thing that is wrong, one line for each state that is right. Rows are decoded with the pipeline
// `file`, which may be null: then only their checksums are looked at. Exit code: 0 all is right, 1 something is wrong,
// 2 no state, or one of another pipeline.
int VerifyState(const StateOptions& options, const PipelineFile* file);

}  // namespace ebb
