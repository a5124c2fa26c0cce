// The text of alerts and scores.
#include "operators/alert/alert_text.h"

#include <fmt/format.h>

#include "engine/observe/json_text.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

constexpr size_t kMaxReasons = 3;

void AppendText(std::string_view name, std::string_view text, std::string* out) {
  *out += ",\"";
  *out += name;
  *out += "\":";
  AppendJsonString(text, out);
}

void AppendTime(std::string_view name, TimeMs time, std::string* out) {
  *out += fmt::format(",\"{}\":\"{}\"", name, FormatTime(time));
}

void AppendTrigger(const Plan& plan, const Trigger& trigger, std::string* out) {
  static constexpr const char* kKinds[] = {"event", "silence", "schedule"};
  *out += fmt::format(",\"trigger\":{{\"kind\":\"{}\"", kKinds[static_cast<int>(trigger.kind)]);
  if (trigger.source >= 0) AppendText("source", plan.sources[trigger.source], out);
  *out += '}';
}

void AppendFeatures(const Plan& plan, const std::vector<int>& features, const double* registers, std::string* out) {
  *out += ",\"features\":{";
  bool first = true;
  for (int index : features) {
    const FeatureName& feature = plan.features[index];
    if (!first) *out += ',';
    first = false;
    AppendJsonString(feature.name, out);
    *out += ':';
    AppendFeatureValue(feature, registers[feature.reg], out);
  }
  *out += '}';
}

void AppendScoreOfAlert(const AlertFacts& facts, std::string* out) {
  const ScorePlan& score = facts.score->plan();
  *out += ",\"score\":{\"name\":";
  AppendJsonString(score.name, out);
  const bool probability = score.logistic || score.calibration.kind != CalibrationPlan::Kind::kNone;
  *out += probability ? ",\"probability\":" : ",\"value\":";
  AppendJsonNumber(facts.registers[score.target], out);
  *out += ",\"previous\":";
  AppendJsonNumber(facts.previous_score, out);
  *out += '}';
}

void AppendReasonText(const Plan& plan, std::string_view code, std::string* out) {
  for (const CodeText& text : plan.reasons) {
    if (text.code != code) continue;
    *out += ",\"text\":{\"en\":";
    AppendJsonString(text.en, out);
    if (!text.zh.empty()) AppendText("zh", text.zh, out);
    *out += '}';
  }
}

void AppendReasons(const Plan& plan, const AlertFacts& facts, std::string* out) {
  *out += ",\"reasons\":[";
  const std::vector<Contribution> reasons = facts.score->Explain(facts.registers);
  for (size_t i = 0; i < reasons.size() && i < kMaxReasons; ++i) {
    if (i > 0) *out += ',';
    *out += "{\"code\":";
    AppendJsonString(reasons[i].code, out);
    AppendReasonText(plan, reasons[i].code, out);
    *out += ",\"contribution\":";
    AppendJsonNumber(reasons[i].amount, out);
    *out += ",\"share\":";
    AppendJsonNumber(reasons[i].share, out);
    if (reasons[i].feature >= 0) {
      const FeatureName& feature = plan.features[reasons[i].feature];
      AppendText("feature", feature.name, out);
      *out += ",\"value\":";
      AppendFeatureValue(feature, facts.registers[feature.reg], out);
      if (reasons[i].baseline >= 0) {
        *out += ",\"baseline\":";
        AppendFeatureValue(feature, facts.registers[reasons[i].baseline], out);
      }
    }
    *out += '}';
  }
  *out += ']';
}

}  // namespace

void AppendFeatureValue(const FeatureName& feature, double value, std::string* out) {
  if (feature.is_bool && !IsNull(value)) {
    *out += value == 1 ? "true" : "false";
  } else {
    AppendJsonNumber(feature.is_duration ? value / 1000.0 : value, out);
  }
}

int HoldoutBucket(const Plan& plan, const AlertPlan& alert, std::string_view customer) {
  const auto hash =
      static_cast<uint64_t>(HashText(fmt::format("holdout\n{}\n{}\n{}", plan.pipeline, alert.name, customer)));
  return static_cast<int>(hash % 10000);
}

void AppendAlert(const Plan& plan, const AlertFacts& facts, std::string* out) {
  const AlertPlan& alert = *facts.alert;
  const int bucket = HoldoutBucket(plan, alert, facts.customer);
  std::string episode =
      fmt::format("alert\n{}\n{}\n{}\n{}", plan.pipeline, alert.name, facts.customer, facts.episode.opened_at);
  if (facts.episode.twin > 0) episode += fmt::format("\n{}", facts.episode.twin);
  const auto id = static_cast<uint64_t>(HashText(episode));
  *out += fmt::format("{{\"alert_id\":\"{:016x}\",\"revision\":{},\"status\":\"{}\"", id, facts.episode.revision,
                      EpisodeEventName(facts.event));
  AppendText("rule", alert.name, out);
  AppendText("customer_id", facts.customer, out);
  AppendTime("event_time", facts.trigger.event_time, out);
  AppendTime("as_of", facts.now, out);
  AppendTrigger(plan, facts.trigger, out);
  if (facts.score != nullptr) AppendScoreOfAlert(facts, out);
  AppendText("severity",
             facts.episode.severity < 0 ? alert.default_severity : alert.severities[facts.episode.severity].name, out);
  if (facts.score != nullptr) AppendReasons(plan, facts, out);
  AppendFeatures(plan, alert.features, facts.registers, out);
  if (!alert.action_code.empty()) {
    *out += ",\"action\":{\"code\":";
    AppendJsonString(alert.action_code, out);
    if (!alert.action_class.empty()) AppendText("class", alert.action_class, out);
    if (alert.expected_value >= 0) {
      *out += ",\"expected_value\":";
      AppendJsonNumber(facts.registers[alert.expected_value], out);
    }
    *out += '}';
  }
  *out += fmt::format(",\"experiment\":{{\"arm\":\"{}\",\"bucket\":{}}}",
                      bucket < alert.holdout_basis_points ? "holdout" : "treat", bucket);
  AppendTime("valid_from", facts.episode.opened_at, out);
  if (facts.episode.valid_until != 0) AppendTime("valid_until", facts.episode.valid_until, out);
  *out += ",\"pipeline\":{\"name\":";
  AppendJsonString(plan.pipeline, out);
  AppendText("fingerprint", plan.fingerprint, out);
  *out += '}';
  if (facts.score != nullptr) {
    const ScorePlan& score = facts.score->plan();
    *out += ",\"model\":{\"id\":";
    AppendJsonString(score.model_id, out);
    AppendText("version", score.model_version.empty() ? plan.fingerprint : score.model_version, out);
    *out += '}';
  }
  *out += fmt::format(",\"late\":{}", facts.trigger.late);
}

void AppendScore(const Plan& plan, const ScoreFacts& facts, std::string* out) {
  const ScorePlan& score = facts.score->plan();
  const double value = facts.registers[score.target];
  *out += "{\"score\":";
  AppendJsonString(score.name, out);
  AppendText("customer_id", facts.customer, out);
  AppendTime("as_of", facts.now, out);
  AppendTrigger(plan, facts.trigger, out);
  *out += ",\"value\":";
  AppendJsonNumber(value, out);
  *out += ",\"previous\":";
  AppendJsonNumber(facts.previous, out);
  const int band = facts.score->Band(value);
  if (band >= 0) AppendText("band", score.bands[band].first, out);
  if (!plan.outputs.score_features.empty()) AppendFeatures(plan, plan.outputs.score_features, facts.registers, out);
  *out += '}';
}

}  // namespace ebb
