// 1. The shipped pipeline is written into a directory and replayed over the generator's streams.
// 2. Its warnings are read back from the files and judged by the generator's truth.
// 3. The verdict is told, with commands to go on with.
#include "cli/demo.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/verdict.h"
#include "connectors/generator/generator_log.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

constexpr const char* kRule = "leaving";
constexpr size_t kShownWarnings = 5;

// Where the demo's files stand. Immutable after construction.
struct DemoFiles {
  std::string directory;
  std::string At(const std::string& name) const { return directory + "/" + name; }
};

absl::StatusOr<DemoFiles> MakeDirectory(const std::string& wanted) {
  if (wanted.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "ebb-demo-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      return absl::UnavailableError("cannot make a temporary directory like " + pattern);
    return DemoFiles{pattern};
  }
  std::error_code error;
  std::filesystem::create_directories(wanted, error);
  if (error) return absl::UnavailableError(fmt::format("cannot make the directory {}: {}", wanted, error.message()));
  return DemoFiles{wanted};
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError("cannot write " + path);
}

absl::StatusOr<std::vector<AlertLine>> ReadAlerts(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return absl::UnavailableError("cannot read " + path);
  return ParseAlertLines(text);
}

// What a run gives to judge.
struct DemoRun {
  std::vector<AlertLine> alerts;
  std::vector<Truth> truth;
  int64_t records = 0;
};

absl::StatusOr<DemoRun> Run(const DemoOptions& options, const DemoFiles& files) {
  DemoRun run;
  run.truth = Telecom(options.telecom).truth();
  std::string lines;
  for (const Truth& truth : run.truth) lines += TruthLine(truth) + "\n";
  EBB_RETURN_IF_ERROR(WriteText(files.At("customers.jsonl"), lines));
  EBB_RETURN_IF_ERROR(WriteText(files.At("telecom.yaml"), kTelecomPipeline));
  const LoadResult loaded = LoadPipelineFile(files.At("telecom.yaml"));
  if (!loaded.pipeline)
    return absl::InternalError("the shipped pipeline has errors:\n" + RenderText(loaded.diagnostics));
  ReplayOptions replay;
  for (int s = 0; s < kStreamCount; ++s) {
    const std::string stream(StreamName(static_cast<Stream>(s)));
    replay.outputs.push_back(fmt::format("{}={}", stream, files.At(stream + ".jsonl")));
  }
  replay.generator = options.telecom;
  EBB_ASSIGN_OR_RETURN(ReplayParts parts, OpenReplay(*loaded.pipeline, replay));
  EBB_ASSIGN_OR_RETURN(const bool done, RunToEnd(parts.job.get(), options.quiet));
  if (!done) return absl::CancelledError("stopped before the end");
  run.records = parts.job->intake().records_read();
  for (const char* stream : {"alerts.jsonl", "shadow.jsonl"}) {
    EBB_ASSIGN_OR_RETURN(std::vector<AlertLine> alerts, ReadAlerts(files.At(stream)));
    std::move(alerts.begin(), alerts.end(), std::back_inserter(run.alerts));
  }
  return run;
}

std::string Words(const std::string& reason) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"ENGAGEMENT_DROP", "calls less"},      {"COMPETITION", "calls fewer people"},
      {"SERVICE_QUALITY", "dropped calls"},   {"COMPLAINT", "complaints"},
      {"VALUE_EROSION", "smaller recharges"}, {"PURCHASE_OVERDUE", "recharge overdue"}};
  for (const auto& [code, words] : kWords) {
    if (reason == code) return words;
  }
  return reason;
}

std::string Words(LeavingCause cause) {
  std::string words(LeavingCauseName(cause));
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string Days(DurationMs duration) {
  const int64_t days = (duration + kDay / 2) / kDay;
  return fmt::format("{} day{}", days, days == 1 ? "" : "s");
}

int64_t Percent(int64_t part, int64_t whole) { return whole == 0 ? 0 : (part * 100 + whole / 2) / whole; }

std::string Outcome(const JudgedWarning& warning) {
  if (!warning.leaves_at) return "stayed";
  const DurationMs lead = *warning.leaves_at - warning.alert->event_time;
  return lead > 0 ? fmt::format("left {} later ({})", Days(lead), Words(warning.cause))
                  : fmt::format("had left {} before ({})", Days(-lead), Words(warning.cause));
}

// Of each customer's first warning the most certain ones, right or wrong.
void PrintWarnings(const Verdict& verdict, bool colour) {
  std::vector<const JudgedWarning*> warnings;
  std::set<std::string> seen;
  for (const JudgedWarning& warning : verdict.warnings) {
    if (seen.insert(warning.alert->customer).second) warnings.push_back(&warning);
  }
  std::stable_sort(warnings.begin(), warnings.end(),
                   [](const JudgedWarning* a, const JudgedWarning* b) { return a->alert->score > b->alert->score; });
  if (warnings.size() > kShownWarnings) warnings.resize(kShownWarnings);
  fmt::print("\n{}\n", Styled("The five most certain first warnings, and what happened then", Style::kBold, colour));
  for (const JudgedWarning* warning : warnings) {
    std::string reasons;
    for (const std::string& reason : warning->alert->reasons) reasons += (reasons.empty() ? "" : ", ") + Words(reason);
    fmt::print("  {}  {}  {:<6}  {:<52}  {}\n", FormatTime(warning->alert->event_time).substr(0, 10),
               warning->alert->customer, warning->alert->severity, reasons, Outcome(*warning));
  }
}

void PrintVerdict(const Verdict& verdict, bool colour) {
  const CauseVerdict& all = verdict.all;
  fmt::print("\n{}\n", Styled("Those who left", Style::kBold, colour));
  fmt::print(
      "  {} of {} customers left. {} of them ({} %) were warned before, half of these {} ahead or more;\n"
      "  {} only when they had fallen silent for good, {} never; {} were left alone on purpose, for comparison.\n",
      Thousands(all.left), Thousands(verdict.customers), Thousands(all.in_time), Percent(all.in_time, all.left),
      Days(all.median_lead()), Thousands(all.afterwards), Thousands(all.missed()), Thousands(all.held_out));
  fmt::print("\n{}\n", Styled(fmt::format("  {:<16} {:>6} {:>14} {:>12} {:>7} {:>9} {:>13}", "why they left", "left",
                                          "warned before", "afterwards", "never", "held out", "half at least"),
                              Style::kBold, colour));
  for (const CauseVerdict& cause : verdict.causes) {
    fmt::print("  {:<16} {:>6} {:>14} {:>12} {:>7} {:>9} {:>13}\n", Words(cause.cause), cause.left,
               fmt::format("{} ({} %)", cause.in_time, Percent(cause.in_time, cause.left)), cause.afterwards,
               cause.missed(), cause.held_out, cause.leads.empty() ? "-" : Days(cause.median_lead()));
  }
  const auto total = static_cast<int64_t>(verdict.warnings.size());
  const int64_t right = verdict.Count(WarningVerdict::kRight);
  const int64_t afterwards = verdict.Count(WarningVerdict::kAfterwards);
  const int64_t wrong = verdict.Count(WarningVerdict::kWrong);
  fmt::print("\n{}\n", Styled("The warnings", Style::kBold, colour));
  fmt::print(
      "  Of {} warnings {} ({} %) came within {} before the customer left, {} ({} %) when the customer\n"
      "  was gone already, and {} ({} %) were wrong: the customer stayed, or left much later.\n",
      Thousands(total), Thousands(right), Percent(right, total), Days(kVerdictHorizon), Thousands(afterwards),
      Percent(afterwards, total), Thousands(wrong), Percent(wrong, total));
}

void PrintNext(const DemoOptions& options, const DemoFiles& files, bool colour) {
  fmt::print("\n{}\n", Styled("What next", Style::kBold, colour));
  fmt::print("  Look at one alert:\n    head -n 1 {} | python3 -m json.tool\n", files.At("alerts.jsonl"));
  fmt::print("  Break the pipeline on purpose:\n    sed 's/agg: count/agg: cuont/' {0} > {1} ; {2} check {1}\n",
             files.At("telecom.yaml"), files.At("broken.yaml"), options.program);
  fmt::print(
      "  Replay files (put your own in their place):\n    {0} generate telecom --out {1} --customers 500 &&\n"
      "    {0} replay {2} -i calls={1}/calls.jsonl -i recharges={1}/recharges.jsonl \\\n"
      "      -i complaints={1}/complaints.jsonl -o alerts=- -o shadow=/dev/null -o scores=/dev/null -o "
      "quarantine=/dev/null\n",
      options.program, files.At("data"), files.At("telecom.yaml"));
}

void PrintJson(const DemoFiles& files, const DemoRun& run, const Verdict& verdict) {
  const auto one = [](const CauseVerdict& c) {
    return fmt::format(
        "{{\"left\":{},\"in_time\":{},\"afterwards\":{},\"never\":{},\"held_out\":{},\"median_lead_s\":{}}}", c.left,
        c.in_time, c.afterwards, c.missed(), c.held_out, c.median_lead() / 1000);
  };
  std::string causes;
  for (const CauseVerdict& cause : verdict.causes) {
    causes += fmt::format("{}\"{}\":{}", causes.empty() ? "" : ",", LeavingCauseName(cause.cause), one(cause));
  }
  std::string directory;
  AppendJsonString(files.directory, &directory);
  fmt::print("{{\"directory\":{},\"records\":{},\"customers\":{},\"left\":{},\"causes\":{{{}}},", directory,
             run.records, verdict.customers, one(verdict.all), causes);
  fmt::print("\"warnings\":{{\"sent\":{},\"right\":{},\"afterwards\":{},\"wrong\":{},\"held_out\":{}}}}}\n",
             verdict.warnings.size(), verdict.Count(WarningVerdict::kRight), verdict.Count(WarningVerdict::kAfterwards),
             verdict.Count(WarningVerdict::kWrong), verdict.held_out_warnings);
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  const auto fail = [](const absl::Status& status) {
    Complain(status);
    return ExitCodeOf(status);
  };
  if (absl::Status status = CheckTelecomOptions(options.telecom); !status.ok()) return fail(status);
  const absl::StatusOr<DemoFiles> files = MakeDirectory(options.directory);
  if (!files.ok()) return fail(files.status());
  if (!options.quiet) {
    fmt::print(stderr, "{} made-up customers of a telephone company, {} days; files go to {}\n",
               Thousands(options.telecom.customers), options.telecom.days, files->directory);
  }
  WatchStopSignals();
  const absl::StatusOr<DemoRun> run = Run(options, *files);
  if (!run.ok()) return fail(run.status());
  const Verdict verdict = Judge(run->alerts, kRule, run->truth);
  if (options.json) {
    PrintJson(*files, *run, verdict);
    return 0;
  }
  const bool colour = ColourOnStdout();
  fmt::print("{} records became {} warnings.\n", Thousands(run->records),
             Thousands(static_cast<int64_t>(verdict.warnings.size())));
  PrintWarnings(verdict, colour);
  PrintVerdict(verdict, colour);
  PrintNext(options, *files, colour);
  return 0;
}

}  // namespace ebb
