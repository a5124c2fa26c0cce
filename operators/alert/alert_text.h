// An alert as one line of JSON that a campaign tool can act on alone (docs/alerts.md; docs/alert.schema.json), and a
// score's line. Nothing in them depends on the wall clock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operators/alert/episode.h"
#include "operators/plan.h"
#include "operators/score/scorecard.h"

namespace ebb {

enum class TriggerKind : uint8_t { kEvent, kSilence, kSchedule };

// What caused an evaluation.
struct Trigger {
  TriggerKind kind;
  int source = -1;        // kEvent
  TimeMs event_time = 0;  // of the record, or of the timer
  bool late = false;
};

// What one line is made of, beside the plan.
struct AlertFacts {
  const AlertPlan* alert;
  EpisodeEvent event;
  EpisodeView episode;
  std::string_view customer;
  Trigger trigger;
  TimeMs now;
  const double* registers;
  const Scorecard* score;  // may be null
  double previous_score;   // of the evaluation before; null when there was none
};

// Number in [0, 10000) of a customer for a rule's holdout: the same in every run, without any seed.
int HoldoutBucket(const Plan& plan, const AlertPlan& alert, std::string_view customer);
// Without the closing brace: the sink adds the number.
void AppendAlert(const Plan& plan, const AlertFacts& facts, std::string* out);

struct ScoreFacts {
  const Scorecard* score;
  std::string_view customer;
  Trigger trigger;
  TimeMs now;
  const double* registers;
  double previous;  // null when there was none
};
void AppendScore(const Plan& plan, const ScoreFacts& facts, std::string* out);

// The value of a feature for people and machines: durations in seconds, null, true and false.
void AppendFeatureValue(const FeatureName& feature, double value, std::string* out);

}  // namespace ebb
