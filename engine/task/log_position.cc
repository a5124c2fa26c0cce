// The lines of a log's position.
#include "engine/task/log_position.h"

#include <fmt/format.h>

namespace ebb {

void AppendLogPosition(const LogPosition& log, bool live, std::string* text) {
  *text += fmt::format("log {} {} {} {} {}\n", EscapedWord(log.source), EscapedWord(log.name),
                       EscapedWord(log.identity), log.low_offset, log.newest);
  if (!live) return;
  *text += fmt::format("live {}\n", log.start_offset);
  if (log.anchor)
    *text += fmt::format("anchor {} {}\n", log.anchor->offset, static_cast<int64_t>(log.anchor->checksum));
  if (log.lag) *text += fmt::format("lag {}\n", *log.lag);
  for (const Floor& floor : log.floors) *text += fmt::format("floor {} {}\n", floor.from_offset, floor.newest);
  for (const SkippedRecord& skip : log.skipped) *text += fmt::format("skip {} {}\n", skip.offset, skip.from_time);
}

bool ReadLogPosition(std::string_view what, Words* words, std::vector<LogPosition>* logs) {
  if (what == "log") {
    LogPosition& log = logs->emplace_back();
    log.source = words->Text();
    log.name = words->Text();
    log.identity = words->Text();
    log.low_offset = words->Number();
    log.newest = words->Number();
    return true;
  }
  if (logs->empty()) return false;
  LogPosition& log = logs->back();
  if (what == "live") {
    log.start_offset = words->Number();
  } else if (what == "anchor") {
    const int64_t offset = words->Number();
    log.anchor = {offset, static_cast<uint64_t>(words->Number())};
  } else if (what == "lag") {
    log.lag = words->Number();
  } else if (what == "floor") {
    const int64_t from = words->Number();
    log.floors.push_back({from, words->Number()});
  } else if (what == "skip") {
    const int64_t offset = words->Number();
    log.skipped.push_back({offset, words->Number()});
  } else {
    return false;
  }
  return true;
}

}  // namespace ebb
