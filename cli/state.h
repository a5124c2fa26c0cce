// `ebb state`: a look into a state directory that changes nothing in it.
#pragma once

#include <string>

#include "cli/history.h"

namespace ebb {

struct StateOptions {
  std::string directory;
  std::string pipeline;   // path of the file; needed for a customer's values
  std::string customer;   // empty: the whole
  bool features = false;  // one JSON line per customer
  bool json = false;
  HistoryOptions history;  // of the customer
};

// Values are as of the last instant that the state covers: its cursor less a millisecond. Exit code: 0 done, 1 no such
// customer or damaged, 2 no state, or a pipeline of another version.
int RunState(const StateOptions& options);

}  // namespace ebb
