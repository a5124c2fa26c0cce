// The inputs are gone through twice: decoded only, then as a replay does. Both passes read, decompress or generate.
#include "cli/bench.h"

#include <sys/resource.h>

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

struct Cost {
  int64_t records = 0;
  double wall_s = 0, cpu_s = 0;

  double PerSecond() const { return static_cast<double>(records) / wall_s; }
  double CpuMicroseconds() const { return cpu_s * 1e6 / static_cast<double>(records); }
};

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// User and system time of the process.
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

// `work` returns the number of records.
template <typename Work>
absl::StatusOr<Cost> Measure(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = CpuSeconds();
  EBB_ASSIGN_OR_RETURN(const int64_t records, work());
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  if (records == 0) return absl::InvalidArgumentError("the inputs hold no records");
  return Cost{records, wall.count(), CpuSeconds() - cpu};
}

absl::StatusOr<int64_t> DecodeAll(const PipelineFile& file, const BenchOptions& options) {
  EBB_ASSIGN_OR_RETURN(const InputPaths paths, ParseInputs(file, options.inputs));
  EBB_ASSIGN_OR_RETURN(std::vector<SourceInput> inputs, OpenInputs(file, paths, options.generator));
  int64_t records = 0;
  auto builder = std::make_unique<RecordBuilder>();
  std::vector<RawRecord> raw;
  for (SourceInput& input : inputs) {
    const int slots = input.slot_count > 0 ? input.slot_count : static_cast<int>(input.schema->fields.size());
    for (LogInput& log : input.logs) {
      while (!log.log->ended()) {
        EBB_RETURN_IF_ERROR(log.log->Read(JobOptions().batch_records, &raw));
        for (const RawRecord& record : raw) {
          builder->Reset(slots);
          if (record.reason == Reason::kNone) log.decoder->Decode(record.bytes, builder.get());
        }
        records += static_cast<int64_t>(raw.size());
      }
    }
  }
  return records;
}

absl::StatusOr<int64_t> ReplayAll(const PipelineFile& file, const BenchOptions& options) {
  ReplayOptions replay;
  replay.inputs = options.inputs;
  replay.generator = options.generator;
  replay.state = options.state;
  replay.tasks = options.tasks;
  replay.quiet = true;
  for (int s = 0; s < kStreamCount; ++s) {
    replay.outputs.push_back(fmt::format("{}=/dev/null", StreamName(static_cast<Stream>(s))));
  }
  EBB_ASSIGN_OR_RETURN(const ReplayParts parts, OpenReplay(file, replay));
  EBB_ASSIGN_OR_RETURN(const bool done, RunToEnd(parts.job.get(), true));
  if (!done) return absl::CancelledError("stopped before the end");
  return parts.job->intake().records_read();
}

absl::Status Bench(const PipelineFile& file, const BenchOptions& options) {
  EBB_ASSIGN_OR_RETURN(const Cost decoding, Measure([&] { return DecodeAll(file, options); }));
  EBB_ASSIGN_OR_RETURN(const Cost all, Measure([&] { return ReplayAll(file, options); }));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double memory = static_cast<double>(usage.ru_maxrss) / 1024;
  if (options.json) {
    fmt::print(
        "{{\"records\":{},\"tasks\":{},\"records_per_second\":{:.0f},\"cpu_us_per_record\":{:.4f},"
        "\"decoding_cpu_us_per_record\":{:.4f},\"memory_mib\":{:.1f}}}\n",
        all.records, options.tasks, all.PerSecond(), all.CpuMicroseconds(), decoding.CpuMicroseconds(), memory);
    return absl::OkStatus();
  }
  fmt::print("{} records on {} task{}{}\n\n", Thousands(all.records), options.tasks, options.tasks == 1 ? "" : "s",
             options.state.empty() ? ", without a store" : "");
  fmt::print("                {:>12}  {:>14}\n", "records/s", "CPU per record");
  fmt::print("  decoded       {:>12}  {:>11.2f} µs\n", Thousands(static_cast<int64_t>(decoding.PerSecond())),
             decoding.CpuMicroseconds());
  fmt::print("  in all        {:>12}  {:>11.2f} µs\n", Thousands(static_cast<int64_t>(all.PerSecond())),
             all.CpuMicroseconds());
  fmt::print("\nMost memory     {:>12.0f} MiB\n", memory);
  return absl::OkStatus();
}

}  // namespace

int RunBench(const BenchOptions& options) {
  const std::optional<PipelineFile> file = LoadOrComplain(options.pipeline, options.json);
  if (!file) return 2;
  if (!options.state.empty() && std::filesystem::exists(options.state)) {
    Complain(fmt::format("the state directory '{}' must be a new one", options.state));
    return 2;
  }
  WatchStopSignals();
  const absl::Status done = Bench(*file, options);
  if (done.ok()) return 0;
  Complain(done);
  return ExitCodeOf(done);
}

}  // namespace ebb
