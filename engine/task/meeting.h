// Meetings: instants of event time at which all tasks of a job stop together, so that something can be decided over all
// customers without depending on how they are shared out. When a meeting at `at` is held, every task has done
// everything strictly below `at` and nothing else; what is decided is a function of the rows, and of what the meetings
// before have told all tasks (Operator::told, which is kept with the state). A commit never falls between the last
// instant before a meeting and the meeting, so a job that goes on from a commit holds exactly those that are still to
// come.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "engine/stream/time.h"

namespace ebb {

class Task;

// Immutable after construction.
struct Meeting {
  // The first meeting at or after a time; kAfterTime: none. An empty function: the job holds no meetings.
  std::function<TimeMs(TimeMs time)> next;
  // Whether it matters that time has passed: then each is held from the first row on. Otherwise one before which
  // nothing happens is left out, since it would find the rows as the last one left them.
  bool in_silence = false;
  // Changes rows through Task::AtMeeting only. The tasks stand still.
  std::function<absl::Status(TimeMs at, const std::vector<Task*>& tasks)> hold;

  // The next one to be held by tasks that stand at `posted`, and for which something happens at `first` next: at or
  // below the watermark, else kAfterTime.
  TimeMs NextToHold(TimeMs posted, TimeMs first, TimeMs watermark, bool has_rows) const {
    const bool each = in_silence && has_rows;
    const TimeMs at = next((each ? posted : std::max(first, posted)) + 1);
    return at > watermark || (first >= watermark && !each) ? kAfterTime : at;
  }
};

}  // namespace ebb
