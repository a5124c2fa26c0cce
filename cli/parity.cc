// What people and programs are told of a capture and its verification.
#include "cli/parity.h"

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "config/assemble.h"
#include "engine/observe/json_text.h"
#include "serve/verify.h"

namespace ebb {
namespace {

void PrintReport(const PipelineFile& file, const ParityReport& report) {
  fmt::print("{}  {} tasks, {} epochs{}\n", file.plan.pipeline, report.tasks, Thousands(report.epochs),
             report.cursor > kEarliestTime ? ", up to " + FormatTime(report.cursor) : "");
  for (int s = 0; s < kStreamCount; ++s) {
    const auto stream = static_cast<Stream>(s);
    if (OutputOf(file, stream).topic.empty()) continue;
    fmt::print("  {:<11}{:>12} identical\n", StreamName(stream), Thousands(report.identical[s]));
  }
  if (report.difference.empty()) {
    fmt::print("Parity: every line on the topics is what a replay of the input gives.\n");
  } else {
    fmt::print("DIFFERENT: {}\n", report.difference);
  }
}

void PrintReportJson(const PipelineFile& file, const ParityReport& report) {
  std::string out = "{\"pipeline\":";
  AppendJsonString(file.plan.pipeline, &out);
  out += fmt::format(",\"fingerprint\":\"{}\",\"tasks\":{},\"epochs\":{},\"identical\":{{", file.plan.fingerprint,
                     report.tasks, report.epochs);
  for (int s = 0; s < kStreamCount; ++s) {
    out += fmt::format("{}\"{}\":{}", s > 0 ? "," : "", StreamName(static_cast<Stream>(s)), report.identical[s]);
  }
  out += "},\"difference\":";
  if (report.difference.empty()) {
    out += "null";
  } else {
    AppendJsonString(report.difference, &out);
  }
  fmt::print("{}}}\n", out);
}

}  // namespace

int RunCapture(const ParityOptions& options) {
  const std::optional<PipelineFile> file = LoadOrComplain(options.pipeline, false);
  if (!file) return 2;
  if (!file->kafka) {
    Complain(fmt::format("{} has no `kafka:`, so there are no topics to capture", options.pipeline));
    return 2;
  }
  WatchStopSignals();
  const absl::StatusOr<CaptureIndex> index = CaptureTopics(*file, options.folder, StopRequested);
  if (!index.ok()) {
    Complain(index.status());
    return ExitCodeOf(index.status());
  }
  int64_t records = 0, bytes = 0;
  for (const CapturedTopic& topic : index->topics) {
    records += topic.partition.records;
    bytes += topic.partition.bytes;
  }
  fmt::print("{} records, {} bytes, {} files in {}\n", Thousands(records), Thousands(bytes), index->topics.size(),
             options.folder);
  return 0;
}

int RunVerify(const ParityOptions& options) {
  const std::optional<PipelineFile> file = LoadOrComplain(options.pipeline, false);
  if (!file) return 2;
  const absl::StatusOr<ParityReport> report = VerifyCapture(*file, options.folder);
  if (!report.ok()) {
    Complain(report.status());
    return ExitCodeOf(report.status());
  }
  (options.json ? PrintReportJson : PrintReport)(*file, *report);
  return report->difference.empty() ? 0 : 1;
}

}  // namespace ebb
