// `ebb state`: a look into a state directory that changes nothing in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/history.h"

namespace ebb {

struct StateOptions {
  std::string directory;
  bool verify = false;    // check it instead of showing it
  std::string pipeline;   // path of the file; needed for a customer's values
  std::string customer;   // empty: the whole
  bool features = false;  // one JSON line per customer
  bool json = false;
  HistoryOptions history;  // of the customer
};

// N of a folder that is named task-N, as the service names those of its tasks.
std::optional<int64_t> TaskOfFolder(std::string_view name);

// Values are as of the last instant that the state covers: its cursor less a millisecond. Exit code: 0 done, 1 no such
// customer or damaged, 2 no state, or a pipeline of another version.
int RunState(const StateOptions& options);

}  // namespace ebb
