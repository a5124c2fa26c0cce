// `ebb replay`: a pipeline over finished logs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/assemble.h"
#include "config/pipeline.h"
#include "connectors/file/file_sink.h"
#include "engine/task/job.h"
#include "operators/pipeline_operator.h"

namespace ebb {

struct ReplayOptions {
  std::string pipeline;              // path of the file
  std::vector<std::string> inputs;   // NAME=PATH, or PATH when there is one source
  std::vector<std::string> outputs;  // STREAM=PATH
  std::string state;                 // directory; empty: nothing is kept
  std::optional<TimeMs> from, to;
  int tasks = 1;
  int64_t batch_records = 2048;
  DurationMs commit_interval = 10 * kSecond;
  bool quiet = false;
  bool json = false;    // summary as JSON on standard output
  bool digest = false;  // digests of outputs and state
  TelecomOptions generator;
};

// A job with all that it stands on. Immutable after construction.
struct ReplayParts {
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<StateStore> store;
  std::array<std::unique_ptr<FileSink>, kStreamCount> sinks;
  std::unique_ptr<Job> job;
  bool resumed = false;
};

// Opens the state for writing. FailedPrecondition, and nothing is touched, when it belongs to another pipeline or
// version.
absl::StatusOr<std::unique_ptr<StateStore>> OpenState(const PipelineFile& file, const std::string& directory);
// Opens everything and lets the job go on from its last commit. `file` outlives the result.
absl::StatusOr<ReplayParts> OpenReplay(const PipelineFile& file, const ReplayOptions& options);
// Steps until the end, with a progress bar unless `quiet`; false when a stop signal came, and what was done until then
// is committed.
absl::StatusOr<bool> RunToEnd(Job* job, bool quiet);
// Exit code: 0 done, 1 failed or stopped before the end, 2 wrong usage or file.
int RunReplay(const ReplayOptions& options);

// Loads the file, or prints its errors (as JSON on standard output with `json`) and gives nothing.
std::optional<PipelineFile> LoadOrComplain(const std::string& path, bool json);

// Set by SIGINT and SIGTERM once WatchStopSignals was called.
void WatchStopSignals();
bool StopRequested();

// The exit code for a failed operation: 2 when the user's input is at fault, 1 otherwise.
int ExitCodeOf(const absl::Status& status);

}  // namespace ebb
