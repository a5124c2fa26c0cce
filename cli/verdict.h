// Warnings and scores against the truth: who of those who left was warned in time, which warnings were wrong, and what
// the simplest rule, ranking customers by their silence, would have done with as many warnings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/observer.h"
#include "config/alert_line.h"
#include "connectors/generator/generator.h"
#include "operators/plan.h"

namespace ebb {

// A warning is right when its customer leaves after it, within the horizon.
inline constexpr DurationMs kVerdictHorizon = 60 * kDay;

// What really happened. Customers without an entry stayed. Immutable after construction.
class Leavings {
 public:
  explicit Leavings(const std::vector<Truth>& truth);
  // Null for who stays.
  const Truth* Find(const std::string& customer) const;
  // In the order of the customers' names.
  const std::map<std::string, Truth>& all() const { return leavers_; }

 private:
  std::map<std::string, Truth> leavers_;
};

struct Warning {
  std::string customer;
  TimeMs time = 0;
  const AlertLine* alert = nullptr;  // null for the recency rule's
};

enum class WarningVerdict : uint8_t { kRight, kAfterwards, kWrong };

// What became of those who left for one cause. Immutable after construction.
struct CauseVerdict {
  std::string cause;
  int64_t left = 0;
  int64_t in_time = 0;            // with a right warning
  int64_t afterwards = 0;         // not in time, but when they were gone
  std::vector<DurationMs> leads;  // of those in time, ascending: from the first right warning to the leaving
  int64_t never() const { return left - in_time - afterwards; }
  // 0 without leads.
  DurationMs median_lead() const { return leads.empty() ? 0 : leads[leads.size() / 2]; }
  // Share of the leavers who were warned in time; 0 without leavers.
  double recall() const { return left == 0 ? 0 : static_cast<double>(in_time) / static_cast<double>(left); }
};

struct JudgedWarning {
  Warning warning;
  WarningVerdict verdict;
  const Truth* leaving;  // null: stayed
};

// Of one rule. Immutable after construction.
struct Verdict {
  CauseVerdict all;                     // without a cause
  std::vector<CauseVerdict> causes;     // by name
  std::vector<JudgedWarning> warnings;  // in the order given

  int64_t Count(WarningVerdict verdict) const;
  // Share of the warnings that were right; 0 without warnings.
  double precision() const;
};

// Leavers are those who left up to `end`. `leavings` outlives the result.
Verdict Judge(const std::vector<Warning>& warnings, const Leavings& leavings, DurationMs horizon, TimeMs end);

// The episodes that a rule opened, those of held-out customers included. `alerts` outlives the result.
std::vector<Warning> WarningsOf(const std::vector<AlertLine>& alerts, const std::string& rule);

// The recency rule: every silence that reaches `silence` is a warning at that moment, but none within `cooldown` of the
// customer's last; `silence` is the shortest for which there are at most `budget` warnings.
struct RecencyRule {
  DurationMs silence = 0;
  std::vector<Warning> warnings;
};
RecencyRule WarnBySilence(const std::vector<Silence>& silences, DurationMs cooldown, size_t budget);

struct RuleVerdict {
  std::string rule;
  Verdict verdict;
  DurationMs silence = 0;  // at which the recency rule warns
  Verdict recency;
};

// The chance that, at one instant, a customer who leaves within the horizon has a higher score (a longer silence) than
// one who doesn't, over all such pairs of all instants of the grid; null (NaN) without pairs.
struct ScoreVerdict {
  std::string score;
  double auc = 0;
  double silence_auc = 0;
};

struct TruthVerdict {
  DurationMs horizon = 0;
  int64_t customers = 0, left = 0;
  std::vector<RuleVerdict> rules;    // in the order of the pipeline file
  std::vector<ScoreVerdict> scores;  // likewise
};

// Everything of one replay. `alerts` and `leavings` outlive the result.
TruthVerdict JudgeReplay(const Plan& plan, const std::vector<AlertLine>& alerts, const Observer& observer,
                         const Leavings& leavings, DurationMs horizon);

}  // namespace ebb
