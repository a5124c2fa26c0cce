// Opening the parts, running the job, saying how it went.
#include "cli/replay.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <iterator>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/summary.h"
#include "cli/terminal.h"
#include "cli/truth.h"
#include "cli/verdict_text.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

std::atomic<bool> stop_requested{false};

void OnStopSignal(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);  // a second one ends the process at once
}

absl::StatusOr<std::map<std::string, std::string>> ParseOutputs(const std::vector<std::string>& outputs) {
  std::vector<std::string> streams;
  for (int s = 0; s < kStreamCount; ++s) streams.emplace_back(StreamName(static_cast<Stream>(s)));
  std::map<std::string, std::string> paths;
  for (const std::string& output : outputs) {
    EBB_ASSIGN_OR_RETURN(auto named, ParseNamedPath("--output", output));
    if (std::find(streams.begin(), streams.end(), named.first) == streams.end()) {
      const std::string hint = DidYouMean(named.first, streams);
      return absl::InvalidArgumentError(
          fmt::format("--output {}: write STREAM=PATH, with alerts, scores, quarantine or shadow as STREAM{}{}", output,
                      hint.empty() ? "" : "; ", hint));
    }
    paths[named.first] = named.second;
  }
  return paths;
}

absl::Status OpenSinks(const PipelineFile& file, const std::map<std::string, std::string>& paths,
                       const std::optional<Progress>& resume, const KillPoint& reached, ReplayParts* parts) {
  std::map<std::string, std::string> taken;
  for (int s = 0; s < kStreamCount; ++s) {
    const auto stream = static_cast<Stream>(s);
    const std::string path = OutputPath(file, stream, paths);
    if (path.empty()) continue;
    const auto [other, fresh] = taken.emplace(path, StreamName(stream));
    if (!fresh && path != "-" && path != "/dev/null") {
      return absl::InvalidArgumentError(
          fmt::format("{} and {} can't both go to {}", other->second, StreamName(stream), path));
    }
    const int64_t committed = resume ? resume->outputs[s].bytes : -1;
    EBB_ASSIGN_OR_RETURN(parts->sinks[s], FileSink::Open(path, path == "-" ? -1 : committed));
    if (reached) reached("output_opened");
  }
  return absl::OkStatus();
}

// Between the outputs and the job, so that somebody hears what alerts say.
void Listen(std::array<Sink*, kStreamCount>* sinks, ReplayParts* parts) {
  parts->alerts = std::make_unique<std::vector<AlertLine>>();
  for (Stream stream : {Stream::kAlerts, Stream::kShadow}) {
    Sink*& sink = (*sinks)[static_cast<int>(stream)];
    parts->heard.push_back(std::make_unique<HeardAlerts>(sink, parts->alerts.get()));
    sink = parts->heard.back().get();
  }
}

// What is said when the job is done.
absl::Status Report(const PipelineFile& file, const ReplayOptions& options, const Leavings* leavings,
                    ReplayParts* parts) {
  Digests digests{parts->job->progress().chain, 0};
  if (options.digest) {
    EBB_ASSIGN_OR_RETURN(digests.state, parts->job->StateDigest());
  }
  std::optional<TruthVerdict> verdict;
  if (leavings != nullptr) {
    EBB_RETURN_IF_ERROR(parts->observer->Finish(parts->job.get()));
    verdict = JudgeReplay(file.plan, *parts->alerts, *parts->observer, *leavings, options.horizon);
  }
  if (options.json) {
    return PrintSummaryJson(file, *parts->pipeline, parts->job.get(), options.digest ? &digests : nullptr,
                            verdict ? &*verdict : nullptr);
  }
  if (!options.quiet) EBB_RETURN_IF_ERROR(PrintSummary(file, *parts->pipeline, parts->job.get()));
  if (parts->top != nullptr && parts->top->opened() > 0) {
    fmt::print(stderr, "\n{}", TopAlertsTable(*parts->top, WidthOfStderr(), ColourOnStderr(), Utf8OnStderr()));
  }
  if (verdict) PrintTruthVerdict(stdout, *verdict, ColourOnStdout());
  if (options.digest) fmt::print("outputs {:016x}\nstate {:016x}\n", digests.outputs, digests.state);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InputPaths> ParseInputs(const PipelineFile& file, const std::vector<std::string>& inputs) {
  InputPaths paths;
  for (const std::string& input : inputs) {
    EBB_ASSIGN_OR_RETURN(auto named, ParseNamedPath("--input", input));
    if (named.first.empty() && file.sources.size() != 1) {
      return absl::InvalidArgumentError(fmt::format(
          "--input {0}: the pipeline has {1} sources, so say which: --input NAME={0}", input, file.sources.size()));
    }
    paths.emplace(named.first.empty() ? file.sources[0].schema.name : named.first, named.second);
  }
  return paths;
}

absl::Status HeardAlerts::Append(std::string_view lines) {
  EBB_ASSIGN_OR_RETURN(std::vector<AlertLine> alerts, ParseAlertLines(lines));
  std::move(alerts.begin(), alerts.end(), std::back_inserter(alerts_));
  return written_ == nullptr ? absl::OkStatus() : written_->Append(lines);
}

void WatchStopSignals() {
  std::signal(SIGINT, OnStopSignal);
  std::signal(SIGTERM, OnStopSignal);
}

bool StopRequested() { return stop_requested; }

int ExitCodeOf(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ? 2 : 1;
}

std::optional<PipelineFile> LoadOrComplain(const std::string& path, bool json) {
  LoadResult loaded = LoadPipelineFile(path);
  if (loaded.pipeline) return std::move(loaded.pipeline);
  if (json) {
    fmt::print("{}", RenderJson(loaded.diagnostics));
  } else {
    fmt::print(stderr, "{}", RenderText(loaded.diagnostics));
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<StateStore>> OpenState(const PipelineFile& file, const std::string& directory,
                                                      size_t memory_bytes) {
  // Opening for writing changes files, so a look without writing comes first. What it can't tell, the second opening
  // says.
  absl::StatusOr<std::unique_ptr<StateStore>> reader = OpenRocksDbStore(directory, {.read_only = true});
  if (absl::IsFailedPrecondition(reader.status())) return reader.status();
  if (reader.ok()) {
    EBB_ASSIGN_OR_RETURN(const std::optional<Progress> progress, ReadProgress(reader->get()));
    if (progress) EBB_RETURN_IF_ERROR(CheckSamePipeline(*progress, file.plan.pipeline, file.plan.fingerprint));
    reader->reset();
  }
  RocksDbStoreOptions store{.check_files = !reader.ok()};
  store.FitTo(memory_bytes);
  return OpenRocksDbStore(directory, store);
}

absl::StatusOr<bool> RunToEnd(Job* job, bool quiet, const KillPoint& reached) {
  ProgressBar bar(quiet);
  bool done = false;
  while (!done && !StopRequested()) {
    EBB_ASSIGN_OR_RETURN(done, job->Step());
    if (reached) reached("stepped");
    bar.Update(job->intake().progress(), job->intake().records_read(),
               FormatTime(job->intake().watermark()).substr(0, 10));
  }
  bar.Clear();
  if (!done) EBB_RETURN_IF_ERROR(job->Commit());
  return done;
}

absl::StatusOr<ReplayParts> OpenReplay(const PipelineFile& file, const ReplayOptions& options) {
  ReplayParts parts;
  if (options.from && options.to && *options.from > *options.to) {
    return absl::InvalidArgumentError(
        fmt::format("--from {} is after --to {}", FormatTime(*options.from), FormatTime(*options.to)));
  }
  if (options.observe && !options.state.empty()) {
    return absl::InvalidArgumentError(
        "--truth and --state don't go together: a run that goes on from a state can't be judged as a whole");
  }
  EBB_ASSIGN_OR_RETURN(InputPaths inputs, ParseInputs(file, options.inputs));
  EBB_ASSIGN_OR_RETURN(auto outputs, ParseOutputs(options.outputs));
  EBB_ASSIGN_OR_RETURN(parts.pipeline, Pipeline::Build(file.plan));
  EBB_ASSIGN_OR_RETURN(std::vector<SourceInput> sources, OpenInputs(file, inputs, options.generator));
  std::optional<Progress> resume;
  if (!options.state.empty()) {
    EBB_ASSIGN_OR_RETURN(parts.store, OpenState(file, options.state, options.memory_bytes));
    if (options.reached) {
      options.reached("state_opened");
      parts.store = NewKilledStore(std::move(parts.store), options.reached);
    }
    EBB_ASSIGN_OR_RETURN(resume, ReadProgress(parts.store.get()));
  }
  JobOptions job;
  job.tasks = options.tasks;
  job.batch_records = static_cast<size_t>(options.batch_records);
  job.commit_interval = options.commit_interval;
  job.memory_bytes = options.memory_bytes;
  job.range = {options.from, options.to};
  JobParts job_parts;
  job_parts.pipeline = file.plan.pipeline;
  job_parts.fingerprint = file.plan.fingerprint;
  job_parts.layout = parts.pipeline->layout();
  job_parts.make_operator = [pipeline = parts.pipeline.get()] { return pipeline->NewOperator(); };
  if (options.observe) {
    parts.observer = std::make_unique<Observer>(parts.pipeline.get());
    job_parts.make_operator = [observer = parts.observer.get()] { return observer->NewOperator(); };
  }
  job_parts.store = parts.store.get();
  job_parts.meeting = parts.pipeline->NewMeeting();
  // The state is checked before any output is touched: a wrong directory must change nothing.
  parts.job = std::make_unique<Job>(job, std::move(job_parts), std::move(sources));
  EBB_RETURN_IF_ERROR(parts.job->Start(resume));
  EBB_RETURN_IF_ERROR(OpenSinks(file, outputs, resume, options.reached, &parts));
  std::array<Sink*, kStreamCount> sinks{};
  for (int s = 0; s < kStreamCount; ++s) sinks[s] = parts.sinks[s].get();
  for (Sink*& sink : sinks) {
    if (sink != nullptr && options.reached)
      sink = parts.killed.emplace_back(NewKilledSink(sink, options.reached)).get();
  }
  if (!options.quiet && !options.json) {
    Sink*& alerts = sinks[static_cast<int>(Stream::kAlerts)];
    parts.top = std::make_unique<TopAlerts>(alerts, &file.plan);
    alerts = parts.top.get();
  }
  if (options.observe) Listen(&sinks, &parts);
  parts.job->SetSinks(sinks);
  parts.resumed = resume.has_value();
  return parts;
}

int RunReplay(const ReplayOptions& given) {
  ReplayOptions options = given;
  options.observe = !options.truth.empty();
  options.reached = KillPointOfEnvironment();
  if (options.memory_bytes > 0 && options.state.empty()) {
    Complain("--memory needs --state: a row that leaves memory is read back from there");
    return 2;
  }
  std::optional<PipelineFile> file = LoadOrComplain(options.pipeline, options.json);
  if (!file) return 2;
  std::optional<Leavings> leavings;
  if (options.observe) {
    const absl::StatusOr<std::vector<Truth>> truth = ReadTruth(options.truth);
    if (!truth.ok()) {
      Complain(truth.status());
      return ExitCodeOf(truth.status());
    }
    leavings.emplace(*truth);
  }
  WatchStopSignals();
  absl::StatusOr<ReplayParts> parts = OpenReplay(*file, options);
  if (!parts.ok()) {
    Complain(parts.status());
    return ExitCodeOf(parts.status());
  }
  if (parts->resumed && !options.quiet) {
    fmt::print(stderr, "going on from {} in {}\n", FormatTime(parts->job->progress().cursor), options.state);
  }
  const absl::StatusOr<bool> done = RunToEnd(parts->job.get(), options.quiet, options.reached);
  if (!done.ok()) {
    Complain(done.status());
    return ExitCodeOf(done.status());
  }
  if (!*done) {
    Complain(options.state.empty() ? "stopped before the end; without --state a next run begins anew"
                                   : "stopped before the end; the same command goes on from here");
    return 1;
  }
  const absl::Status reported = Report(*file, options, leavings ? &*leavings : nullptr, &*parts);
  if (reported.ok()) return 0;
  Complain(reported);
  return ExitCodeOf(reported);
}

}  // namespace ebb
