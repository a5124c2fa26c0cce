// Options to parts, the answers of the HTTP server, exit codes.
#include "cli/run.h"

#include <fmt/format.h>

#include "cli/kill_points.h"
#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "cli/watch.h"
#include "engine/base/status_macros.h"
#include "serve/http_server.h"
#include "serve/live_service.h"
#include "serve/metrics.h"

namespace ebb {
namespace {

HttpAnswer Answer(const PipelineFile& file, const StatusBoard& board, std::string_view path) {
  if (path == "/livez") return {200, "ok\n"};
  if (path == "/metrics") {
    return {200, MetricsText(file, board.Get(), VersionText()), "text/plain; version=0.0.4; charset=utf-8"};
  }
  if (path == "/readyz") {
    const std::vector<std::string> reasons = board.Get().NotReady();
    if (reasons.empty()) return {200, "ok\n"};
    return {503, fmt::format("{}\n", fmt::join(reasons, "\n"))};
  }
  if (path == "/") {
    return {200,
            fmt::format("ebb {}, pipeline {}\n/livez   whether the process answers\n/readyz  whether every task is "
                        "live, and if not, why\n/metrics for Prometheus\n",
                        VersionText(), file.plan.pipeline)};
  }
  return {404, "there are /livez, /readyz and /metrics\n"};
}

ServiceOptions OptionsOf(const RunOptions& options, const PipelineFile& file) {
  ServiceOptions service;
  service.directory = options.state.empty() ? file.plan.pipeline + "-state" : options.state;
  service.create_topics = options.create_topics;
  service.partitions = options.partitions;
  service.live.output_spacing = options.output_spacing;
  service.live.commit_interval = options.commit_interval;
  service.live.state_interval = options.state_interval;
  service.live.memory_bytes = options.memory_bytes;
  service.snapshots = options.snapshots;
  service.snapshot_interval = options.snapshot_interval;
  service.stop_requested = StopRequested;
  service.reached = KillPointOfEnvironment();
  return service;
}

// Until it is stopped. InvalidArgument also for an address that can't be listened on.
absl::Status Serve(const PipelineFile& file, const RunOptions& options, const EventLog& log, StatusBoard* board) {
  EBB_ASSIGN_OR_RETURN(const std::unique_ptr<LiveService> service,
                       LiveService::Open(file, OptionsOf(options, file), &log, board));
  std::unique_ptr<HttpServer> server;
  if (!options.http.empty()) {
    absl::StatusOr<std::unique_ptr<HttpServer>> started =
        HttpServer::Start(options.http, [&file, board](std::string_view path) { return Answer(file, *board, path); });
    if (!started.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("--http {}: {}", options.http, std::string(started.status().message())));
    }
    server = std::move(*started);
    log.Info("http", {{"address", server->address()}});
  }
  return service->Run();
}

}  // namespace

int RunLive(const RunOptions& options) {
  const std::optional<PipelineFile> file = LoadOrComplain(options.pipeline, false);
  if (!file) return 2;
  if (options.watch && !StderrIsTerminal()) {
    Complain("--watch draws on a terminal, and standard error is none");
    return 2;
  }
  WatchStopSignals();
  StatusBoard board;
  std::unique_ptr<WatchView> view;
  EventLog::Sink sink;
  if (options.watch) {
    view = std::make_unique<WatchView>(*file, board);
    sink = [&view](LogLevel level, const std::string& line) { view->Take(level, line); };
  }
  const EventLog log(options.log == "json", sink);
  const absl::Status status = Serve(*file, options, log, &board);
  view.reset();
  if (status.ok()) return 0;
  Complain(status);
  return IsForGood(status) || absl::IsPermissionDenied(status) ? 2 : 1;
}

}  // namespace ebb
