// A pipeline file retold. Expressions are shown as they are written.
#include "config/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

// The text of an expression, or empty.
std::string TextOf(const PipelineFile& pipeline, const std::string& key) {
  auto found = pipeline.texts.find(key);
  return found == pipeline.texts.end() ? "" : found->second;
}

std::string OriginText(const SourceConfig& source) {
  switch (source.origin) {
    case SourceConfig::Origin::kFile:
      return "file " + source.location;
    case SourceConfig::Origin::kTopic:
      return "topic " + source.location;
    case SourceConfig::Origin::kGenerate:
      return "generator " + source.location;
  }
  return "";
}

void ExplainSources(const PipelineFile& pipeline, std::string* out) {
  *out += "\nSources\n";
  for (const SourceConfig& source : pipeline.sources) {
    const SourceSchema& s = source.schema;
    *out += fmt::format("  {}: {}, {}, key {}\n", s.name, OriginText(source),
                        s.format == Format::kJson ? "json" : "csv", s.key_path);
    *out +=
        fmt::format("    time {} in {}, disorder {}, late records {}{}\n", s.time.path, TimeUnitName(s.time.unit),
                    FormatDuration(s.time.disorder), s.time.quarantine_late ? "go to the quarantine" : "are used",
                    s.time.max_jump ? ", jumps of more than " + FormatDuration(*s.time.max_jump) + " are refused" : "");
    if (s.missing_key == MissingKey::kFilter) *out += "    records without a key are left out\n";
    if (s.missing_key == MissingKey::kUse) {
      *out += fmt::format("    records without a key belong to '{}'\n", s.missing_key_value);
    }
    for (const DedupPlan& dedup : pipeline.plan.dedup) {
      if (dedup.source != s.ordinal) continue;
      *out += fmt::format("    duplicates by {} within {} are left out, for the last {} ids of a customer\n",
                          s.fields[s.id_slot].path, FormatDuration(dedup.within), dedup.max_ids);
    }
    for (const Field& field : s.fields) {
      if (&field - s.fields.data() == s.id_slot) continue;
      *out += fmt::format("    {} {}{}\n", field.name, FieldTypeText(field.type, field.decimals),
                          field.missing ? ", with a default" : (field.required ? "" : ", may be null"));
    }
    for (const DerivedFieldsPlan::Computed& field : source.derived.computed) {
      *out += fmt::format("    {} computed for each record\n", source.slot_names[field.slot]);
    }
    if (std::string where = TextOf(pipeline, "source " + s.name); !where.empty()) {
      *out += fmt::format("    only where {}\n", where);
    }
  }
}

void ExplainWindows(const PipelineFile& pipeline, std::string* out) {
  if (pipeline.plan.windows.empty()) return;
  *out += fmt::format("\nWindows{:12}{:>8}{:>8}{:>8}   too long by\n", "", "length", "tile", "tiles");
  for (const WindowPlan& window : pipeline.plan.windows) {
    if (window.length == 0) {
      *out += fmt::format("  {:<17}{:>8}{:>8}{:>8}   none\n", window.name, "ever", "-", "-");
      continue;
    }
    double error = static_cast<double>(window.tile) / (2.0 * static_cast<double>(window.length));
    *out += fmt::format("  {:<17}{:>8}{:>8}{:>8}   {:.2f}% on average\n", window.name, FormatDuration(window.length),
                        FormatDuration(window.tile), window.length / window.tile, error * 100);
  }
}

std::string MeasureText(const PipelineFile& pipeline, const MeasurePlan& measure) {
  const Plan& plan = pipeline.plan;
  std::string text = fmt::format("{} of {}", measure.aggregate, plan.sources[measure.source]);
  if (measure.slot >= 0) text += "." + pipeline.sources[measure.source].slot_names[measure.slot];
  if (std::string where = TextOf(pipeline, "where " + measure.name); !where.empty()) text += " where " + where;
  if (measure.half_life > 0) text += ", half-life " + FormatDuration(measure.half_life);
  if (measure.window < 0) return text;
  const WindowPlan& window = plan.windows[measure.window];
  text += fmt::format(", {}", window.length == 0 ? "ever" : "last " + FormatDuration(window.length));
  const Aggregate* aggregate = FindAggregate(measure.aggregate);
  if (measure.exact) {
    text += fmt::format(", exact for up to {} events", measure.max_events);
  } else if (window.length > 0) {
    text += fmt::format(" in tiles of {}", FormatDuration(window.tile));
  }
  if (aggregate != nullptr && aggregate->shape == AggregateShape::kItems) {
    text += fmt::format(", at most {} items", measure.max_items);
  }
  return text;
}

void ExplainFeatures(const PipelineFile& pipeline, std::string* out) {
  const Plan& plan = pipeline.plan;
  if (plan.features.empty()) return;
  *out += "\nFeatures\n";
  for (const FeatureName& feature : plan.features) {
    auto measure = std::find_if(plan.measures.begin(), plan.measures.end(),
                                [&](const MeasurePlan& m) { return m.name == feature.name; });
    std::string text = measure != plan.measures.end() ? MeasureText(pipeline, *measure)
                                                      : "= " + TextOf(pipeline, "feature " + feature.name);
    *out += fmt::format("  {:<20} {}\n", feature.name, text);
  }
}

void ExplainEvaluation(const Plan& plan, std::string* out) {
  std::string on;
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    if ((plan.evaluate.on_sources >> i & 1) != 0) on += (on.empty() ? "" : ", ") + plan.sources[i];
  }
  *out += fmt::format("  evaluated at records of {}", on.empty() ? "no source" : on);
  if (plan.evaluate.at_most_every > 0) {
    *out += fmt::format(", at most every {}", FormatDuration(plan.evaluate.at_most_every));
  }
  if (plan.evaluate.also_every > 0) *out += fmt::format(", also every {}", FormatDuration(plan.evaluate.also_every));
  if (!plan.deadlines.empty()) {
    *out +=
        fmt::format(", and at {} deadline{} of silence", plan.deadlines.size(), plan.deadlines.size() == 1 ? "" : "s");
  }
  *out += '\n';
}

void ExplainScores(const PipelineFile& pipeline, std::string* out) {
  if (pipeline.plan.scores.empty()) return;
  *out += "\nScores\n";
  ExplainEvaluation(pipeline.plan, out);
  for (const ScorePlan& score : pipeline.plan.scores) {
    *out += fmt::format("  {}: scorecard, {}, intercept {}\n", score.name,
                        score.logistic ? "logistic (0 to 1)" : "plain sum", score.intercept);
    for (size_t i = 0; i < score.points.size(); ++i) {
      const PointPlan& point = score.points[i];
      std::string term = TextOf(pipeline, fmt::format("point {} {}", score.name, i));
      std::string condition = TextOf(pipeline, fmt::format("condition {} {}", score.name, i));
      std::string text = point.value >= 0 ? "* " + term : "when " + term;
      if (!condition.empty()) text += " when " + condition;
      if (!point.reason.empty()) text += "  -> " + point.reason;
      *out += fmt::format("    {:>+8} {}\n", point.weight, text);
    }
    for (const auto& [name, bound] : score.bands) *out += fmt::format("    band {} from {}\n", name, bound);
  }
}

void ExplainAlerts(const PipelineFile& pipeline, std::string* out) {
  const Plan& plan = pipeline.plan;
  if (plan.alerts.empty()) return;
  *out += "\nAlerts\n";
  for (const AlertPlan& alert : plan.alerts) {
    *out += fmt::format("  {}: when {}\n", alert.name, TextOf(pipeline, "when " + alert.name));
    std::string clear = TextOf(pipeline, "clear " + alert.name);
    *out += fmt::format("    cleared {}\n", clear.empty() ? "as soon as that isn't true" : "when " + clear);
    if (alert.confirm > 1) *out += fmt::format("    confirmed by {} evaluations in a row\n", alert.confirm);
    if (alert.cooldown > 0) {
      *out += fmt::format("    no other within {} of its opening\n", FormatDuration(alert.cooldown));
    }
    if (alert.valid_for > 0) *out += fmt::format("    expires after {}\n", FormatDuration(alert.valid_for));
    *out += fmt::format("    severity {}", alert.default_severity);
    for (const SeverityPlan& severity : alert.severities) {
      *out += fmt::format("; {} when {}", severity.name,
                          TextOf(pipeline, fmt::format("severity {} {}", alert.name, severity.name)));
    }
    *out += '\n';
    if (!alert.action_code.empty()) {
      *out += fmt::format("    action {}{}\n", alert.action_code,
                          alert.action_class.empty() ? "" : " (" + alert.action_class + ")");
    }
    if (alert.score >= 0) *out += fmt::format("    explained by {}\n", plan.scores[alert.score].name);
    if (alert.holdout_basis_points > 0) {
      *out += fmt::format("    {:g}% of the customers are held out\n", alert.holdout_basis_points / 100.0);
    }
  }
}

void ExplainOutputs(const PipelineFile& pipeline, std::string* out) {
  const std::pair<std::string_view, const OutputConfig*> kOutputs[] = {{"alerts", &pipeline.alerts},
                                                                       {"shadow", &pipeline.shadow},
                                                                       {"scores", &pipeline.scores},
                                                                       {"quarantine", &pipeline.quarantine}};
  *out += "\nOutputs\n";
  for (auto [name, output] : kOutputs) {
    std::string place = !output->file.empty()    ? "file " + output->file
                        : !output->topic.empty() ? "topic " + output->topic
                                                 : "not written";
    if (name == "scores" && pipeline.plan.outputs.scores != OutputPlan::Scores::kNone) {
      bool every = pipeline.plan.outputs.scores == OutputPlan::Scores::kEvery;
      place += every ? ", at every evaluation" : ", when the band changes";
    }
    *out += fmt::format("  {}: {}\n", name, place);
  }
}

}  // namespace

std::string ExplainPipeline(const PipelineFile& pipeline) {
  std::string out = fmt::format("Pipeline {}, fingerprint {}, one row per {}\n", pipeline.plan.pipeline,
                                pipeline.plan.fingerprint, pipeline.entity_key);
  ExplainSources(pipeline, &out);
  ExplainWindows(pipeline, &out);
  ExplainFeatures(pipeline, &out);
  ExplainScores(pipeline, &out);
  ExplainAlerts(pipeline, &out);
  ExplainOutputs(pipeline, &out);
  return out;
}

}  // namespace ebb
