// One line for each rule, and one below it for the recency rule with as many warnings.
#include "cli/verdict_text.h"

#include <fmt/format.h>

#include "cli/terminal.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

void PrintLine(std::FILE* out, const std::string& name, const Verdict& verdict) {
  fmt::print(out, "  {:<34} {:>8} {:>6} {:>10} {:>6} {:>9.1f} % {:>5.1f} % {:>12}\n", name,
             Thousands(static_cast<int64_t>(verdict.warnings.size())), Thousands(verdict.Count(WarningVerdict::kRight)),
             Thousands(verdict.Count(WarningVerdict::kAfterwards)), Thousands(verdict.Count(WarningVerdict::kWrong)),
             100 * verdict.precision(), 100 * verdict.all.recall(),
             verdict.all.leads.empty() ? "-" : DaysText(verdict.all.median_lead()));
}

std::string AucText(double auc) { return IsNull(auc) ? "-" : fmt::format("{:.3f}", auc); }

// Members of a JSON object, without its braces.
void AppendVerdict(const Verdict& verdict, std::string* out) {
  *out += fmt::format("\"warnings\":{},\"right\":{},\"afterwards\":{},\"wrong\":{},\"in_time\":{},\"precision\":",
                      verdict.warnings.size(), verdict.Count(WarningVerdict::kRight),
                      verdict.Count(WarningVerdict::kAfterwards), verdict.Count(WarningVerdict::kWrong),
                      verdict.all.in_time);
  AppendJsonNumber(verdict.precision(), out);
  *out += ",\"recall\":";
  AppendJsonNumber(verdict.all.recall(), out);
  *out += fmt::format(",\"median_lead_s\":{}",
                      verdict.all.leads.empty() ? "null" : std::to_string(verdict.all.median_lead() / kSecond));
}

}  // namespace

std::string DaysText(DurationMs duration) {
  if (duration < kDay) return fmt::format("{} hours", duration / kHour);
  const int64_t days = (duration + kDay / 2) / kDay;
  return fmt::format("{} day{}", days, days == 1 ? "" : "s");
}

void PrintTruthVerdict(std::FILE* out, const TruthVerdict& verdict, bool colour) {
  fmt::print(out, "\n{}  {} of {} customers left; a warning is right up to {} before\n",
             Styled("Against the truth", Style::kBold, colour), Thousands(verdict.left), Thousands(verdict.customers),
             DaysText(verdict.horizon));
  fmt::print(out, "{}\n",
             Styled(fmt::format("  {:<34} {:>8} {:>6} {:>10} {:>6} {:>11} {:>7} {:>12}", "rule", "warnings", "right",
                                "afterwards", "wrong", "precision", "recall", "median lead"),
                    Style::kBold, colour));
  for (const RuleVerdict& rule : verdict.rules) {
    PrintLine(out, rule.rule, rule.verdict);
    if (rule.verdict.warnings.empty()) continue;
    PrintLine(out, fmt::format("  by silence of {} alone", DaysText(rule.silence)), rule.recency);
  }
  for (const ScoreVerdict& score : verdict.scores) {
    fmt::print(out, "  score {}: AUC {}, of silence alone {}\n", score.score, AucText(score.auc),
               AucText(score.silence_auc));
  }
}

void AppendTruthVerdict(const TruthVerdict& verdict, std::string* out) {
  *out += fmt::format("{{\"horizon_s\":{},\"customers\":{},\"left\":{},\"rules\":{{", verdict.horizon / kSecond,
                      verdict.customers, verdict.left);
  for (size_t i = 0; i < verdict.rules.size(); ++i) {
    const RuleVerdict& rule = verdict.rules[i];
    if (i > 0) *out += ',';
    AppendJsonString(rule.rule, out);
    *out += ":{";
    AppendVerdict(rule.verdict, out);
    *out += fmt::format(",\"by_silence\":{{\"silence_s\":{},", rule.silence / kSecond);
    AppendVerdict(rule.recency, out);
    *out += "}}";
  }
  *out += "},\"scores\":{";
  for (size_t i = 0; i < verdict.scores.size(); ++i) {
    if (i > 0) *out += ',';
    AppendJsonString(verdict.scores[i].score, out);
    *out += ":{\"auc\":";
    AppendJsonNumber(verdict.scores[i].auc, out);
    *out += ",\"silence_auc\":";
    AppendJsonNumber(verdict.scores[i].silence_auc, out);
    *out += '}';
  }
  *out += "}}";
}

}  // namespace ebb
