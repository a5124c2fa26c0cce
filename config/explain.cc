// A pipeline file retold. Expressions are shown as they are written.
#include "config/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/flow.h"
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
    if (window.closed) {
      *out += fmt::format("  {:<17}{:>8}{:>8}{:>8}   none; closed periods{}\n", window.name,
                          FormatDuration(window.length), FormatDuration(window.tile), window.length / window.tile,
                          window.offset == 0 ? "" : " that begin " + FormatDuration(window.offset) + " later");
      continue;
    }
    double error = static_cast<double>(window.tile) / (2.0 * static_cast<double>(window.length));
    *out += fmt::format("  {:<17}{:>8}{:>8}{:>8}   {:.2f}% on average\n", window.name, FormatDuration(window.length),
                        FormatDuration(window.tile), window.length / window.tile, error * 100);
  }
}

std::string OptionsText(const Aggregate& aggregate, const MeasurePlan& measure) {
  const AggregateOptions& o = measure.options;
  std::string text;
  if (aggregate.takes(kTakesHalfLife)) text += ", half-life " + FormatDuration(measure.half_life);
  if (aggregate.takes(kTakesQuantile)) text += fmt::format(", q {:g}", static_cast<double>(o.quantile) / 1'000'000);
  if (aggregate.takes(kTakesRank) && o.rank > 1) text += fmt::format(", rank {}", o.rank);
  if (aggregate.takes(kTakesGap)) text += ", gap " + FormatDuration(measure.gap);
  if (aggregate.takes(kTakesAlpha)) text += fmt::format(", alpha {:g}", o.alpha);
  if (aggregate.takes(kTakesSpread) && o.min_spread > 0) text += fmt::format(", spread at least {:g}", o.min_spread);
  if (aggregate.takes(kTakesLatest) && o.robust) text += ", by median";
  if (aggregate.takes(kTakesLatest) && o.latest_closed) text += ", of the newest closed period";
  if (aggregate.takes(kTakesDrift)) text += fmt::format(", {}, slack {:g}", o.upward ? "upward" : "downward", o.slack);
  return text;
}

std::string MeasureText(const PipelineFile& pipeline, const MeasurePlan& measure) {
  const Plan& plan = pipeline.plan;
  std::string text = fmt::format("{} of {}", measure.aggregate, plan.sources[measure.source]);
  const std::string part = TextOf(pipeline, "part " + measure.name), to = TextOf(pipeline, "to " + measure.name);
  if (!part.empty()) {
    text += fmt::format(" with {}{}", part, to.empty() ? "" : ", to those with " + to);
  } else if (measure.slot >= 0) {
    text += "." + pipeline.sources[measure.source].slot_names[measure.slot];
  }
  if (std::string where = TextOf(pipeline, "where " + measure.name); !where.empty()) text += " where " + where;
  const Aggregate& aggregate = *FindAggregate(measure.aggregate);
  text += OptionsText(aggregate, measure);
  if (measure.last > 0) return text + fmt::format(", last {} events", measure.last);
  if (measure.window < 0) return text;
  const WindowPlan& window = plan.windows[measure.window];
  if (window.closed) {
    const int64_t periods = window.length / window.tile;
    return text + fmt::format(", the last {}closed period{} of {}", periods == 1 ? "" : fmt::format("{} ", periods),
                              periods == 1 ? "" : "s", FormatDuration(window.tile));
  }
  text += fmt::format(", {}", window.length == 0 ? "ever" : "last " + FormatDuration(window.length));
  if (measure.exact) {
    text += fmt::format(", exact for up to {} events", measure.max_events);
  } else if (window.length > 0 && aggregate.shape != AggregateShape::kSessions) {
    text += fmt::format(" in tiles of {}", FormatDuration(window.tile));
  }
  if (aggregate.shape == AggregateShape::kItems) text += fmt::format(", at most {} items", measure.max_items);
  if (aggregate.shape == AggregateShape::kTally && !measure.exact) {
    text += fmt::format(", at most {} pairs of tile and value", measure.max_items);
  }
  if (aggregate.shape == AggregateShape::kSessions) text += fmt::format(", at most {} sessions", measure.max_sessions);
  return text;
}

// What is kept for a measure, for each of what; state that several features share is told of each of them.
std::string BytesText(const Aggregate& aggregate, const MeasurePlan& measure, const Plan& plan) {
  constexpr int kWord = 8;
  const bool events = measure.last > 0 || measure.exact || aggregate.shape == AggregateShape::kEvents;
  if (events) return fmt::format("{} bytes for each event", kWord * (measure.slot < 0 ? 1 : 2));
  switch (aggregate.shape) {
    case AggregateShape::kItems:
      return fmt::format("{} bytes for each item", 2 * kWord);
    case AggregateShape::kTally:
      return fmt::format("{} bytes for each pair of tile and value", 3 * kWord);
    case AggregateShape::kSessions:
      return fmt::format("{} bytes for each session", 3 * kWord);
    case AggregateShape::kPeriods:
      return fmt::format("{} bytes for each period", kWord);
    case AggregateShape::kPoint:
      return fmt::format("{} bytes", kWord * aggregate.words);
    default:
      return fmt::format("{} bytes for each {}", kWord * aggregate.words,
                         plan.windows[measure.window].closed ? "period" : "tile");
  }
}

// What each aggregate that is used declares of itself.
void ExplainAggregates(const Plan& plan, std::string* out) {
  *out += "\nAggregates\n";
  for (const Aggregate* aggregate : Aggregates()) {
    auto measure = std::find_if(plan.measures.begin(), plan.measures.end(),
                                [&](const MeasurePlan& m) { return m.aggregate == aggregate->name; });
    if (measure == plan.measures.end()) continue;
    *out +=
        fmt::format("  {:<17} {}, {}, {}; {}\n", aggregate->name, aggregate->mergeable ? "mergeable" : "not mergeable",
                    aggregate->subtractable() ? "subtractable" : "read anew when something leaves",
                    BytesText(*aggregate, *measure, plan), aggregate->error);
  }
}

std::string FeatureText(const PipelineFile& pipeline, const FeatureName& feature) {
  for (const MeasurePlan& measure : pipeline.plan.measures) {
    if (measure.name == feature.name) return MeasureText(pipeline, measure);
  }
  return "= " + TextOf(pipeline, "feature " + feature.name);
}

void ExplainFeatures(const PipelineFile& pipeline, std::string* out) {
  const Plan& plan = pipeline.plan;
  if (plan.features.empty()) return;
  *out += "\nFeatures\n";
  for (const FeatureName& feature : plan.features) {
    *out += fmt::format("  {:<20} {}\n", feature.name, FeatureText(pipeline, feature));
  }
  if (!plan.measures.empty()) ExplainAggregates(plan, out);
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
  for (const ClosePlan& close : plan.evaluate.at_close) {
    *out += fmt::format(", at the close of each period of {}", FormatDuration(close.period));
  }
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

std::string ExplainPipeline(const PipelineFile& pipeline, bool utf8) {
  std::string out = fmt::format("Pipeline {}, fingerprint {}, one row per {}\n", pipeline.plan.pipeline,
                                pipeline.plan.fingerprint, pipeline.entity_key);
  out += "\nFlow\n" + FlowText(FlowOf(pipeline), utf8);
  ExplainSources(pipeline, &out);
  ExplainWindows(pipeline, &out);
  ExplainFeatures(pipeline, &out);
  ExplainScores(pipeline, &out);
  ExplainAlerts(pipeline, &out);
  ExplainOutputs(pipeline, &out);
  return out;
}

}  // namespace ebb
