// 1. The first pack's pipeline is written into a directory and replayed over its generator's streams.
// 2. Its warnings are judged by the generator's truth, and told.
// 3. So are the other packs, in a line each, beside the simplest rule there is; then come commands to go on with.
#include "cli/demo.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "cli/verdict_text.h"
#include "config/packs.h"
#include "connectors/generator/generator_log.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

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

// What a run gives to judge. The alerts and leavings outlive the verdicts on them.
struct DemoRun {
  const Pack* pack;
  ReplayParts parts;
  std::unique_ptr<Leavings> leavings;
  TruthVerdict verdict;
  int64_t customers = 0, records = 0;

  const RuleVerdict& rule() const {
    return *std::find_if(verdict.rules.begin(), verdict.rules.end(),
                         [this](const RuleVerdict& rule) { return rule.rule == pack->rule; });
  }
};

// Files of the first pack stand in the directory itself, those of the others in one of their own.
absl::StatusOr<DemoRun> Run(const DemoOptions& options, const Pack& pack, const DemoFiles& files) {
  DemoRun run{&pack, {}, nullptr, {}, 0, 0};
  const std::vector<Truth> truth = Generator(*FindIndustry(pack.name), options.generator).truth();
  std::string lines = std::string(kTruthHeader) + "\n";
  for (const Truth& customer : truth) lines += TruthLine(customer) + "\n";
  EBB_RETURN_IF_ERROR(WriteText(files.At("truth.csv"), lines));
  const std::string pipeline = files.At(fmt::format("{}.yaml", pack.name));
  EBB_RETURN_IF_ERROR(WriteText(pipeline, pack.text));
  const LoadResult loaded = LoadPipelineFile(pipeline);
  if (!loaded.pipeline)
    return absl::InternalError("the shipped pipeline has errors:\n" + RenderText(loaded.diagnostics));
  ReplayOptions replay;
  for (int s = 0; s < kStreamCount; ++s) {
    const std::string stream(StreamName(static_cast<Stream>(s)));
    replay.outputs.push_back(fmt::format("{}={}", stream, files.At(stream + ".jsonl")));
  }
  replay.generator = options.generator;
  replay.observe = true;
  EBB_ASSIGN_OR_RETURN(run.parts, OpenReplay(*loaded.pipeline, replay));
  EBB_ASSIGN_OR_RETURN(const bool done, RunToEnd(run.parts.job.get(), options.quiet));
  if (!done) return absl::CancelledError("stopped before the end");
  run.records = run.parts.job->intake().records_read();
  run.customers = static_cast<int64_t>(truth.size());
  run.leavings = std::make_unique<Leavings>(truth);
  EBB_RETURN_IF_ERROR(run.parts.observer->Finish(run.parts.job.get()));
  run.verdict =
      JudgeReplay(run.parts.pipeline->plan(), *run.parts.alerts, *run.parts.observer, *run.leavings, replay.horizon);
  run.parts.job.reset();  // it reads from what the pipeline file says
  return run;
}

std::string Words(const std::string& reason) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"ENGAGEMENT_DROP", "calls less"},         {"COMPETITION", "calls fewer people"},
      {"SERVICE_QUALITY", "dropped calls"},      {"COMPLAINT", "complaints"},
      {"VALUE_EROSION", "smaller recharges"},    {"PURCHASE_OVERDUE", "recharge overdue"},
      {"SOCIAL_CONTAGION", "call partners left"}};
  for (const auto& [code, words] : kWords) {
    if (reason == code) return words;
  }
  return reason;
}

std::string CauseWords(const std::string& cause) {
  std::string words = cause;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

int64_t Percent(int64_t part, int64_t whole) { return whole == 0 ? 0 : (part * 100 + whole / 2) / whole; }

std::string Outcome(const JudgedWarning& warning) {
  if (warning.leaving == nullptr) return "stayed";
  const DurationMs lead = *warning.leaving->leaves_at - warning.warning.time;
  const std::string cause = CauseWords(warning.leaving->cause);
  return lead > 0 ? fmt::format("left {} later ({})", DaysText(lead), cause)
                  : fmt::format("had left {} before ({})", DaysText(-lead), cause);
}

// Of each customer's first warning the most certain ones, right or wrong.
void PrintWarnings(const Verdict& verdict, bool colour) {
  std::vector<const JudgedWarning*> warnings;
  std::set<std::string> seen;
  for (const JudgedWarning& warning : verdict.warnings) {
    if (seen.insert(warning.warning.customer).second) warnings.push_back(&warning);
  }
  std::stable_sort(warnings.begin(), warnings.end(), [](const JudgedWarning* a, const JudgedWarning* b) {
    return a->warning.alert->score > b->warning.alert->score;
  });
  if (warnings.size() > kShownWarnings) warnings.resize(kShownWarnings);
  fmt::print("\n{}\n", Styled("The five most certain first warnings, and what happened then", Style::kBold, colour));
  for (const JudgedWarning* warning : warnings) {
    const AlertLine& alert = *warning->warning.alert;
    std::string reasons;
    for (const std::string& reason : alert.reasons) reasons += (reasons.empty() ? "" : ", ") + Words(reason);
    fmt::print("  {}  {}  {:<6}  {:<52}  {}\n", FormatTime(alert.event_time).substr(0, 10), alert.customer,
               alert.severity, reasons, Outcome(*warning));
  }
}

void PrintVerdict(const DemoRun& run, bool colour) {
  const Verdict& verdict = run.rule().verdict;
  const CauseVerdict& all = verdict.all;
  fmt::print("\n{}\n", Styled("Those who left", Style::kBold, colour));
  fmt::print(
      "  {} of {} customers left. {} of them ({} %) were warned before, half of these {} ahead or more;\n"
      "  {} only when they had fallen silent for good, {} never.\n",
      Thousands(all.left), Thousands(run.customers), Thousands(all.in_time), Percent(all.in_time, all.left),
      DaysText(all.median_lead()), Thousands(all.afterwards), Thousands(all.never()));
  fmt::print("\n{}\n", Styled(fmt::format("  {:<16} {:>6} {:>14} {:>12} {:>7} {:>13}", "why they left", "left",
                                          "warned before", "afterwards", "never", "half at least"),
                              Style::kBold, colour));
  for (const CauseVerdict& cause : verdict.causes) {
    fmt::print("  {:<16} {:>6} {:>14} {:>12} {:>7} {:>13}\n", CauseWords(cause.cause), cause.left,
               fmt::format("{} ({} %)", cause.in_time, Percent(cause.in_time, cause.left)), cause.afterwards,
               cause.never(), cause.leads.empty() ? "-" : DaysText(cause.median_lead()));
  }
  const auto total = static_cast<int64_t>(verdict.warnings.size());
  const int64_t right = verdict.Count(WarningVerdict::kRight);
  const int64_t afterwards = verdict.Count(WarningVerdict::kAfterwards);
  const int64_t wrong = verdict.Count(WarningVerdict::kWrong);
  fmt::print("\n{}\n", Styled("The warnings", Style::kBold, colour));
  fmt::print(
      "  Of {} warnings {} ({} %) came within {} before the customer left, {} ({} %) when the customer\n"
      "  was gone already, and {} ({} %) were wrong: the customer stayed, or left much later.\n",
      Thousands(total), Thousands(right), Percent(right, total), DaysText(kVerdictHorizon), Thousands(afterwards),
      Percent(afterwards, total), Thousands(wrong), Percent(wrong, total));
}

void PrintPackHead(bool colour) {
  fmt::print(
      "\n{}\n{}\n",
      Styled("Every pack on made-up customers of its own, and as many warnings by silence alone", Style::kBold, colour),
      Styled(fmt::format("  {:<10} {:>9} {:>10} {:>7} {:>12}   {:>22} {:>7} {:>12}", "pack", "warnings", "precision",
                         "recall", "median lead", "by silence:  precision", "recall", "median lead"),
             Style::kBold, colour));
}

void PrintPack(const DemoRun& run) {
  const auto part = [](const Verdict& v) {
    return fmt::format("{:>8.1f} % {:>5.1f} % {:>12}", 100 * v.precision(), 100 * v.all.recall(),
                       v.all.leads.empty() ? "-" : DaysText(v.all.median_lead()));
  };
  const RuleVerdict& rule = run.rule();
  fmt::print("  {:<10} {:>9} {}   {:>12}{}\n", run.pack->name,
             Thousands(static_cast<int64_t>(rule.verdict.warnings.size())), part(rule.verdict), "", part(rule.recency));
  std::fflush(stdout);
}

void PrintNext(const DemoOptions& options, const DemoFiles& files, bool colour) {
  fmt::print("\n{}\n", Styled("What next", Style::kBold, colour));
  fmt::print("  Look at one alert:\n    head -n 1 {} | python3 -m json.tool\n", files.At("alerts.jsonl"));
  fmt::print("  Break the pipeline on purpose:\n    sed 's/agg: count/agg: cuont/' {0} > {1} ; {2} check {1}\n",
             files.At("telecom.yaml"), files.At("broken.yaml"), options.program);
  fmt::print(
      "  Replay files (put your own in their place), and see how right the warnings are:\n"
      "    {0} generate telecom --out {1} --customers 500 &&\n"
      "    {0} replay {2} -i calls={1}/calls.jsonl -i recharges={1}/recharges.jsonl \\\n"
      "      -i complaints={1}/complaints.jsonl -i usage={1}/usage.jsonl -i ports={1}/ports.jsonl \\\n"
      "      -i surveys={1}/surveys.jsonl -o alerts=- -o shadow=/dev/null -o scores=/dev/null -o quarantine=/dev/null "
      "\\\n      --truth {1}/truth.csv\n",
      options.program, files.At("data"), files.At("telecom.yaml"));
}

void PrintJson(const DemoFiles& files, const std::vector<DemoRun>& runs) {
  const DemoRun& run = runs.front();
  const Verdict& verdict = run.rule().verdict;
  const auto one = [](const CauseVerdict& c) {
    return fmt::format("{{\"left\":{},\"in_time\":{},\"afterwards\":{},\"never\":{},\"median_lead_s\":{}}}", c.left,
                       c.in_time, c.afterwards, c.never(), c.median_lead() / 1000);
  };
  std::string causes;
  for (const CauseVerdict& cause : verdict.causes) {
    causes += fmt::format("{}\"{}\":{}", causes.empty() ? "" : ",", cause.cause, one(cause));
  }
  std::string out = "{\"directory\":";
  AppendJsonString(files.directory, &out);
  out += fmt::format(",\"records\":{},\"customers\":{},\"left\":{},\"causes\":{{{}}},", run.records, run.customers,
                     one(verdict.all), causes);
  out += fmt::format("\"warnings\":{{\"sent\":{},\"right\":{},\"afterwards\":{},\"wrong\":{}}},\"packs\":{{",
                     verdict.warnings.size(), verdict.Count(WarningVerdict::kRight),
                     verdict.Count(WarningVerdict::kAfterwards), verdict.Count(WarningVerdict::kWrong));
  for (const DemoRun& pack : runs) {
    if (&pack != &run) out += ',';
    AppendJsonString(pack.pack->name, &out);
    out += ':';
    AppendTruthVerdict(pack.verdict, &out);
  }
  fmt::print("{}}}}}\n", out);
}

absl::Status TellAll(const DemoOptions& options, const DemoFiles& files) {
  const bool colour = ColourOnStdout();
  std::vector<DemoRun> runs;
  for (const Pack& pack : Packs()) {
    const bool first = runs.empty();
    DemoFiles own = files;
    if (!first) {
      EBB_ASSIGN_OR_RETURN(own, MakeDirectory(files.At(pack.name)));
    }
    EBB_ASSIGN_OR_RETURN(DemoRun run, Run(options, pack, own));
    runs.push_back(std::move(run));
    if (options.json) continue;
    if (first) {
      fmt::print("{} records became {} warnings.\n", Thousands(runs[0].records),
                 Thousands(static_cast<int64_t>(runs[0].rule().verdict.warnings.size())));
      PrintWarnings(runs[0].rule().verdict, colour);
      PrintVerdict(runs[0], colour);
      PrintPackHead(colour);
    }
    PrintPack(runs.back());
  }
  if (options.json) {
    PrintJson(files, runs);
  } else {
    PrintNext(options, files, colour);
  }
  return absl::OkStatus();
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  const auto fail = [](const absl::Status& status) {
    Complain(status);
    return ExitCodeOf(status);
  };
  if (absl::Status status = CheckGeneratorOptions(options.generator); !status.ok()) return fail(status);
  const absl::StatusOr<DemoFiles> files = MakeDirectory(options.directory);
  if (!files.ok()) return fail(files.status());
  if (!options.quiet) {
    fmt::print(stderr, "{} made-up customers of a telephone company, {} days; files go to {}\n",
               Thousands(options.generator.customers), options.generator.days, files->directory);
  }
  WatchStopSignals();
  const absl::Status status = TellAll(options, *files);
  return status.ok() ? 0 : fail(status);
}

}  // namespace ebb
