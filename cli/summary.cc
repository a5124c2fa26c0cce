// Facts first, then two ways to show them.
#include "cli/summary.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "cli/ledger_text.h"
#include "cli/terminal.h"
#include "cli/verdict_text.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

constexpr std::pair<AlertCounter, const char*> kHeldBack[] = {
    {AlertCounter::kUnconfirmed, "time{} not confirmed yet"},
    {AlertCounter::kCooldown, "time{} within the cooldown"},
    {AlertCounter::kCustomerLimit, "time{} by the customer's limit"},
    {AlertCounter::kBudget, "time{} by the budget"},
    {AlertCounter::kQuiet, "time{} in quiet hours"},
    {AlertCounter::kWithdrawn, "over before the wait was"}};

// What became of one alert rule.
struct RuleFacts {
  const AlertPlan* plan;
  int64_t opened = 0, holdout = 0;
  int64_t waiting = 0;                                   // customers whose alert waits at the end
  std::vector<std::pair<std::string, int64_t>> held;     // what held openings back, in words
  std::vector<std::pair<std::string, int64_t>> reasons;  // most frequent first
  std::vector<DurationMs> silences;                      // of each customer who was warned, at the last warning
  int64_t came_back = 0;
  DurationMs median_silence = 0;  // at the warning
};

int64_t Counter(const Progress& progress, const std::string& name) {
  for (const auto& [known, value] : progress.counters) {
    if (known == name) return value;
  }
  return 0;
}

absl::StatusOr<std::vector<RuleFacts>> Collect(const Pipeline& pipeline, Job* job) {
  std::vector<RuleFacts> rules;
  for (const AlertRule& rule : pipeline.alerts()) {
    RuleFacts facts;
    facts.plan = &rule.plan();
    const auto count = [&](const std::string& what) {
      return Counter(job->progress(), fmt::format("alert.{}.{}", facts.plan->name, what));
    };
    facts.opened = count("opened");
    facts.holdout = count("holdout");
    for (const auto& [counter, words] : kHeldBack) {
      if (const int64_t n = count(std::string(AlertCounterName(counter))); n > 0) facts.held.emplace_back(words, n);
    }
    if (facts.plan->score >= 0) {
      for (const std::string& code : ReasonCodes(pipeline.plan().scores[facts.plan->score])) {
        if (int64_t n = count("reason." + code); n > 0) facts.reasons.emplace_back(code, n);
      }
    }
    std::stable_sort(facts.reasons.begin(), facts.reasons.end(), [](auto& a, auto& b) { return a.second > b.second; });
    rules.push_back(std::move(facts));
  }
  EBB_RETURN_IF_ERROR(job->ForEachRow([&](RowRef row) {
    for (size_t i = 0; i < rules.size(); ++i) {
      const EpisodeView episode = pipeline.alerts()[i].View(row);
      rules[i].waiting += !episode.open && episode.waiting != Waiting::kNo;
      if (episode.opened_at == 0) continue;
      rules[i].silences.push_back(episode.opened_at - episode.silent_since);
      rules[i].came_back += pipeline.LastRecord(row) > episode.opened_at;
    }
  }));
  for (RuleFacts& rule : rules) {
    std::sort(rule.silences.begin(), rule.silences.end());
    if (!rule.silences.empty()) rule.median_silence = rule.silences[rule.silences.size() / 2];
  }
  return rules;
}

std::string Days(DurationMs duration) {
  if (duration < kDay) return fmt::format("{:.0f} hours", static_cast<double>(duration) / kHour);
  const double days = static_cast<double>(duration) / kDay;
  return fmt::format("{:.0f} day{}", days, days >= 1.5 ? "s" : "");
}

int Percent(int64_t part, int64_t whole) { return whole == 0 ? 0 : static_cast<int>((part * 100 + whole / 2) / whole); }

void PrintRule(const RuleFacts& rule, bool colour) {
  const auto warned = static_cast<int64_t>(rule.silences.size());
  fmt::print(stderr, "\n{}  {} customer{} got {} warning{}\n",
             Styled("Warned: " + rule.plan->name, Style::kBold, colour), Thousands(warned), warned == 1 ? "" : "s",
             Thousands(rule.opened), rule.opened == 1 ? "" : "s");
  if (!rule.reasons.empty()) {
    std::string text;
    for (const auto& [code, count] : rule.reasons) {
      text +=
          fmt::format("{}{} {} ({} %)", text.empty() ? "" : ", ", code, Thousands(count), Percent(count, rule.opened));
    }
    fmt::print(stderr, "  why        {}\n", text);
  }
  if (warned > 0) {
    fmt::print(stderr,
               "  how early  half of them after at most {} without any event; {} ({} %) came back later, {} were not "
               "seen again\n",
               Days(rule.median_silence), Thousands(rule.came_back), Percent(rule.came_back, warned),
               Thousands(warned - rule.came_back));
  }
  std::string held;
  for (const auto& [words, n] : rule.held) {
    held += fmt::format("{}{} {}", held.empty() ? "" : ", ", Thousands(n),
                        fmt::format(fmt::runtime(words), n == 1 ? "" : "s"));
  }
  if (rule.waiting > 0) held += fmt::format("{}{} still waiting", held.empty() ? "" : "; ", Thousands(rule.waiting));
  if (rule.holdout > 0) {
    held += fmt::format("{}{} held out for comparison", held.empty() ? "" : "; ", Thousands(rule.holdout));
  }
  if (!held.empty()) fmt::print(stderr, "  held back  {}\n", held);
}

}  // namespace

absl::Status PrintSummary(const PipelineFile& file, const Pipeline& pipeline, Job* job) {
  const bool colour = ColourOnStderr();
  fmt::print(stderr, "{}  up to {}\n\n", Styled(file.plan.pipeline, Style::kBold, colour),
             FormatTime(job->progress().cursor - 1));
  PrintLedger(stderr, job->progress(), colour);
  for (const ScorePlan& score : pipeline.plan().scores) {
    const auto count = [&](const char* what) {
      return Counter(job->progress(), fmt::format("score.{}.{}", score.name, what));
    };
    fmt::print(stderr, "\n{}  {} evaluations, mean {:.9f}\n", Styled("Score: " + score.name, Style::kBold, colour),
               Thousands(count("evaluations")), MeanScore(count("evaluations"), count("sum_high"), count("sum_low")));
  }
  EBB_ASSIGN_OR_RETURN(const std::vector<RuleFacts> rules, Collect(pipeline, job));
  for (const RuleFacts& rule : rules) PrintRule(rule, colour);
  if (const int64_t overflows = Counter(job->progress(), "exact_overflows"); overflows > 0) {
    fmt::print(stderr,
               "\n{} evaluations saw a window of which something no longer fitted: raise max_events, max_items or "
               "max_sessions\n",
               Thousands(overflows));
  }
  if (const int64_t overflows = Counter(job->progress(), "id_overflows"); overflows > 0) {
    fmt::print(stderr, "\n{} ids were forgotten before the end of `dedup:`: raise max_ids\n", Thousands(overflows));
  }
  return absl::OkStatus();
}

absl::Status PrintSummaryJson(const PipelineFile& file, const Pipeline& pipeline, Job* job, const Digests* digests,
                              const TruthVerdict* verdict) {
  const Progress& progress = job->progress();
  std::string out = "{\"pipeline\":";
  AppendJsonString(file.plan.pipeline, &out);
  out += fmt::format(",\"as_of\":\"{}\",\"customers\":", FormatTime(progress.cursor - 1));
  AppendJsonNumber(job->customers(), &out);
  AppendSources(progress, &out);
  out += ",\"outputs\":{";
  for (size_t s = 0; s < progress.outputs.size(); ++s) {
    out += fmt::format("{}\"{}\":{}", s > 0 ? "," : "", progress.outputs[s].stream, progress.outputs[s].lines);
  }
  out += "},\"counters\":{";
  for (size_t c = 0; c < progress.counters.size(); ++c) {
    if (c > 0) out += ',';
    AppendJsonString(progress.counters[c].first, &out);
    out += fmt::format(":{}", progress.counters[c].second);
  }
  out += "},\"scores\":{";
  for (size_t i = 0; i < pipeline.plan().scores.size(); ++i) {
    const std::string& name = pipeline.plan().scores[i].name;
    const auto count = [&](const char* what) { return Counter(progress, fmt::format("score.{}.{}", name, what)); };
    if (i > 0) out += ',';
    AppendJsonString(name, &out);
    out += ":{\"mean\":";
    AppendJsonNumber(MeanScore(count("evaluations"), count("sum_high"), count("sum_low")), &out);
    out += '}';
  }
  out += "},\"alerts\":{";
  bool first = true;
  EBB_ASSIGN_OR_RETURN(const std::vector<RuleFacts> rules, Collect(pipeline, job));
  for (const RuleFacts& rule : rules) {
    if (!first) out += ',';
    first = false;
    AppendJsonString(rule.plan->name, &out);
    out += fmt::format(":{{\"customers\":{},\"opened\":{},\"came_back\":{},\"median_silence_s\":{}}}",
                       rule.silences.size(), rule.opened, rule.came_back, rule.median_silence / 1000);
  }
  out += '}';
  if (verdict != nullptr) {
    out += ",\"truth\":";
    AppendTruthVerdict(*verdict, &out);
  }
  if (digests != nullptr) {
    out +=
        fmt::format(",\"digests\":{{\"outputs\":\"{:016x}\",\"state\":\"{:016x}\"}}", digests->outputs, digests->state);
  }
  fmt::print("{}}}\n", out);
  return absl::OkStatus();
}

}  // namespace ebb
