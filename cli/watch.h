// The live view of `ebb run --watch`: how a service stands, drawn anew twice a second where a person looks on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/pipeline.h"
#include "serve/event_log.h"
#include "serve/status_board.h"

namespace ebb {

// What was known at one instant.
struct WatchMoment {
  ServiceStatus status;
  int64_t wall_ms = 0;
};

// The whole picture, lines of at most `width` columns. Rates are those between the two moments.
std::string WatchText(const PipelineFile& file, const WatchMoment& before, const WatchMoment& now,
                      const std::deque<std::string>& warnings, int width, bool colour);

// Draws on standard error from its construction to its end, on a thread of its own, and keeps the log's last warnings
// below. Thread-safe.
class WatchView {
 public:
  // `file` and `board` outlive the view.
  WatchView(const PipelineFile& file, const StatusBoard& board);
  ~WatchView();
  WatchView(const WatchView&) = delete;
  WatchView& operator=(const WatchView&) = delete;

  // A line of the log, in the place of standard error.
  void Take(LogLevel level, const std::string& line);

 private:
  void Run();

  const PipelineFile& file_;
  const StatusBoard& board_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> warnings_;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace ebb
