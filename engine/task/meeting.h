// Meetings: instants of event time at which all tasks of a job stop together, so that something can be decided over all
// customers without depending on how they are shared out. When a meeting at `at` is held, every task has done
// everything strictly below `at` and nothing else; what is decided is a function of the rows alone. A commit never
// falls between the last instant before a meeting and the meeting, so a job that goes on from a commit holds exactly
// those that are still to come.
#pragma once

#include <functional>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

class Task;

// Immutable after construction.
struct Meeting {
  // The first meeting at or after a time; kAfterTime: none. An empty function: the job holds no meetings.
  std::function<TimeMs(TimeMs time)> next;
  // Changes rows through Task::AtMeeting only. The tasks stand still.
  std::function<void(TimeMs at, const std::vector<Task*>& tasks)> hold;
};

}  // namespace ebb
