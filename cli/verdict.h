// Warnings against the truth: who of those who left was warned in time, and which warnings were wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/alert_line.h"
#include "connectors/generator/telecom.h"

namespace ebb {

// A warning is right when its customer leaves within this time after it.
inline constexpr DurationMs kVerdictHorizon = 60 * kDay;

// What became of those who left for one cause. Immutable after construction.
struct CauseVerdict {
  LeavingCause cause = LeavingCause::kNone;
  int64_t left = 0;
  int64_t in_time = 0;            // warned within the horizon before they left
  int64_t afterwards = 0;         // not in time, but when they had fallen silent
  int64_t held_out = 0;           // not warned because they belong to the holdout, which would have been
  std::vector<DurationMs> leads;  // of those in time, ascending: from the earliest warning to the leaving
  int64_t missed() const { return left - in_time - afterwards - held_out; }
  // 0 without leads.
  DurationMs median_lead() const { return leads.empty() ? 0 : leads[leads.size() / 2]; }
};

enum class WarningVerdict : uint8_t { kRight, kAfterwards, kWrong };

// One warning that was sent.
struct JudgedWarning {
  const AlertLine* alert;
  WarningVerdict verdict;
  std::optional<TimeMs> leaves_at;
  LeavingCause cause;
};

// Immutable after construction.
struct Verdict {
  int64_t customers = 0;
  CauseVerdict all;                     // cause is kNone
  std::vector<CauseVerdict> causes;     // in the order of LeavingCause, without kNone
  std::vector<JudgedWarning> warnings;  // in the order of the alerts
  int64_t held_out_warnings = 0;

  int64_t Count(WarningVerdict verdict) const;
};

// Judges the opened alerts of one rule. `alerts` outlives the result.
Verdict Judge(const std::vector<AlertLine>& alerts, const std::string& rule, const std::vector<Truth>& truth);

}  // namespace ebb
