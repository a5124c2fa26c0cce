// `ebb replay`: a pipeline over finished logs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/kill_points.h"
#include "cli/observer.h"
#include "cli/top_alerts.h"
#include "cli/verdict.h"
#include "config/alert_line.h"
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
  size_t memory_bytes = 0;  // 0: no limit. Needs a state
  bool quiet = false;
  bool json = false;    // summary as JSON on standard output
  bool digest = false;  // digests of outputs and state
  std::string truth;    // path of a truth file to judge the run by; empty: none
  DurationMs horizon = kVerdictHorizon;
  GeneratorOptions generator;
  bool observe = false;  // for those who judge the run; it must begin anew then
  KillPoint reached;     // may be empty
};

// A sink that also keeps what is written. Confined to its task's thread.
class HeardAlerts : public Sink {
 public:
  // Null: the lines go nowhere else. `alerts` and `written` outlive this.
  HeardAlerts(Sink* written, std::vector<AlertLine>* alerts) : written_(written), alerts_(*alerts) {}
  absl::Status Append(std::string_view lines) override;
  absl::Status Sync() override { return written_ == nullptr ? absl::OkStatus() : written_->Sync(); }
  int64_t bytes() const override { return written_ == nullptr ? 0 : written_->bytes(); }

 private:
  Sink* const written_;
  std::vector<AlertLine>& alerts_;
};

// A job with all that it stands on. Immutable after construction.
struct ReplayParts {
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<StateStore> store;
  std::array<std::unique_ptr<FileSink>, kStreamCount> sinks;
  std::vector<std::unique_ptr<Sink>> killed;        // before them, for tests of kills
  std::vector<std::unique_ptr<HeardAlerts>> heard;  // with `observe`, as are the next two
  std::unique_ptr<Observer> observer;
  std::unique_ptr<std::vector<AlertLine>> alerts;  // alerts and shadow, in the order of their commits
  std::unique_ptr<TopAlerts> top;                  // for the summary; null without one
  std::unique_ptr<Job> job;
  bool resumed = false;
};

// What --input says. InvalidArgument when it doesn't name a source, and there are several.
absl::StatusOr<InputPaths> ParseInputs(const PipelineFile& file, const std::vector<std::string>& inputs);
// Opens the state for writing. FailedPrecondition, and nothing is touched, when it belongs to another pipeline or
// version.
absl::StatusOr<std::unique_ptr<StateStore>> OpenState(const PipelineFile& file, const std::string& directory,
                                                      size_t memory_bytes);
// Opens everything and lets the job go on from its last commit. `file` outlives the result.
absl::StatusOr<ReplayParts> OpenReplay(const PipelineFile& file, const ReplayOptions& options);
// Steps until the end, with a progress bar unless `quiet`; false when a stop signal came, and what was done until then
// is committed.
absl::StatusOr<bool> RunToEnd(Job* job, bool quiet, const KillPoint& reached = {});
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
