// Named instants at which a test ends the process as kill -9 does: EBB_TEST_KILL_AT=POINT:N, when POINT is reached for
// the Nth time. A replay's are around the calls of its state and its outputs:
//
//   state_opened, row_loaded, rows_loaded, output_opened               recovery
//   output_begun, output_half, output_appended, output_synced          a commit, or lines that go ahead of one
//   state_begun, state_written, stepped (rows have left memory)        the rest of the commit
//   thaw_begun, thawed                                                 rows that come back to memory
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/state/store.h"
#include "engine/task/sink.h"

namespace ebb {

// Empty without the variable. Thread-safe.
using KillPoint = std::function<void(std::string_view point)>;
KillPoint KillPointOfEnvironment();

// Each passes everything on and says where it is. What they stand before outlives them.
std::unique_ptr<StateStore> NewKilledStore(std::unique_ptr<StateStore> store, KillPoint reached);
std::unique_ptr<Sink> NewKilledSink(Sink* sink, KillPoint reached);

}  // namespace ebb
