// `ebb run`: a pipeline over topics, for as long as it is wanted.
#pragma once

#include <string>

#include "engine/stream/time.h"

namespace ebb {

struct RunOptions {
  std::string pipeline;  // path of the file
  std::string state;     // directory; empty: NAME-state, with the pipeline's name
  bool create_topics = false;
  int partitions = 0;        // of topics that are made; 0: as many as the sources have, or 4
  std::string http;          // HOST:PORT for health and metrics; empty: none
  std::string log = "text";  // or "json"
  bool watch = false;        // a live view instead of the log
  DurationMs output_spacing = 100;
  DurationMs commit_interval = 3 * kSecond;
  DurationMs state_interval = 30 * kSecond;
  size_t memory_bytes = 0;  // all tasks together; 0: no limit
  std::string snapshots;    // directory; empty: none
  DurationMs snapshot_interval = 10 * kMinute;
};

// Exit code: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong usage, file, topics or state; the log says what to do.
int RunLive(const RunOptions& options);

}  // namespace ebb
