// A pipeline file retold. Expressions are shown as they are written.
#include "config/explain.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "config/flow.h"
#include "config/zones.h"
#include "operators/aggregate/aggregate.h"
#include "operators/feature/reference_row.h"

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

// The zones that the pipeline reads, each with digits by which two machines can see whether theirs are the same.
void ExplainZones(const PipelineFile& pipeline, std::string* out) {
  std::map<std::string, const Zone*> zones;
  for (const SourceConfig& source : pipeline.sources) {
    for (const Zone& zone : source.derived.program.zones) zones[zone.name] = &zone;
  }
  for (const AlertPlan& alert : pipeline.plan.alerts) {
    if (!alert.quiet.place.changes.empty()) zones[alert.quiet.place.name] = &alert.quiet.place;
  }
  for (const auto& [name, zone] : zones) *out += fmt::format("Clocks of {}: {}\n", name, ZoneDigits(*zone));
}

}  // namespace

void ExplainSource(const PipelineFile& pipeline, const SourceConfig& source, std::string* out) {
  const SourceSchema& s = source.schema;
  *out +=
      fmt::format("    time {} in {}, disorder {}, late records {}{}\n", s.time.path, TimeUnitName(s.time.unit),
                  FormatDuration(s.time.disorder), s.time.quarantine_late ? "go to the quarantine" : "are used",
                  s.time.max_jump ? ", jumps of more than " + FormatDuration(*s.time.max_jump) + " are refused" : "");
  for (const ReferencePlan& reference : pipeline.plan.references) {
    if (reference.source != s.ordinal) continue;
    *out += fmt::format("    reference: the latest value of each field is kept, {} bytes for each customer\n",
                        ReferenceRow::Bytes(reference));
  }
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
    const std::string& name = source.slot_names[field.slot];
    const std::string expression = TextOf(pipeline, fmt::format("field {}.{}", s.name, name));
    if (!expression.empty()) {
      *out += fmt::format("    {} {} = {}\n", name, FieldTypeText(field.type, field.decimals), expression);
    }
  }
  if (std::string where = TextOf(pipeline, "source " + s.name); !where.empty()) {
    *out += fmt::format("    only where {}\n", where);
  }
}

namespace {

void ExplainSources(const PipelineFile& pipeline, std::string* out) {
  *out += "\nSources\n";
  for (const SourceConfig& source : pipeline.sources) {
    const SourceSchema& s = source.schema;
    *out += fmt::format("  {}: {}, {}, key {}\n", s.name, OriginText(source),
                        s.format == Format::kJson ? "json" : "csv", s.key_path);
    ExplainSource(pipeline, source, out);
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

std::string PopulationText(const PopulationPlan& population, const std::string& expression) {
  std::string text = fmt::format("{} of {} over all customers", population.statistic, expression);
  if (population.quantile > 0) text += fmt::format(", q {:g}", static_cast<double>(population.quantile) / 1'000'000);
  text += fmt::format(", at the close of each {}", FormatDuration(population.per));
  return population.closes == 0 ? text : text + fmt::format(" and {}", FormatDuration(population.closes));
}

}  // namespace

std::string FeatureText(const PipelineFile& pipeline, const FeatureName& feature) {
  for (const MeasurePlan& measure : pipeline.plan.measures) {
    if (measure.name == feature.name) return MeasureText(pipeline, measure);
  }
  const std::string expression = TextOf(pipeline, "feature " + feature.name);
  for (const PopulationPlan& population : pipeline.plan.populations) {
    if (population.name == feature.name) return PopulationText(population, expression);
  }
  return "= " + expression;
}

namespace {

void ExplainFeatures(const PipelineFile& pipeline, std::string* out) {
  const Plan& plan = pipeline.plan;
  if (plan.features.empty()) return;
  *out += "\nFeatures\n";
  for (const FeatureName& feature : plan.features) {
    *out += fmt::format("  {:<20} {}\n", feature.name, FeatureText(pipeline, feature));
  }
  if (!plan.measures.empty()) ExplainAggregates(plan, out);
}

std::string EvaluationText(const Plan& plan, int evaluation) {
  const EvaluatePlan& evaluate = plan.evaluation(evaluation);
  std::string on;
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    if ((evaluate.on_sources >> i & 1) != 0) on += (on.empty() ? "" : ", ") + plan.sources[i];
  }
  std::string out = fmt::format("evaluated at records of {}", on.empty() ? "no source" : on);
  if (evaluate.at_most_every > 0) out += fmt::format(", at most every {}", FormatDuration(evaluate.at_most_every));
  if (evaluate.also_every > 0) out += fmt::format(", also every {}", FormatDuration(evaluate.also_every));
  for (const ClosePlan& close : evaluate.at_close) {
    out += fmt::format(", at the close of each period of {}", FormatDuration(close.period));
  }
  int64_t of_silence = 0, of_now = 0;
  for (const DeadlinePlan& deadline : plan.deadlines) {
    if ((deadline.evaluations >> evaluation & 1) == 0) continue;
    ++(deadline.measure == DeadlinePlan::kNow ? of_now : of_silence);
  }
  for (const auto& [count, what] : {std::pair(of_silence, "of silence"), std::pair(of_now, "that now passes")}) {
    if (count > 0) out += fmt::format(", and at {} deadline{} {}", count, count == 1 ? "" : "s", what);
  }
  return out;
}

void ExplainTerms(const Plan& plan, const ScorePlan& score, std::string* out) {
  for (const TermPlan& term : score.terms) {
    std::string name = "a score";
    if (term.feature >= 0) name = plan.features[term.feature].name;
    const std::string reason = term.reason.empty() ? "" : "  -> " + term.reason;
    if (term.values.empty()) {
      *out +=
          fmt::format("    {:>+8.4g} * ({} - {:.4g}) / {:.4g}{}\n", term.weight, name, term.mean, term.scale, reason);
    } else {
      *out += fmt::format("    {} in {} bins{}\n", name, term.values.size(), reason);
    }
  }
}

}  // namespace

void ExplainScore(const PipelineFile& pipeline, const ScorePlan& score, bool own_evaluation, std::string* out) {
  static constexpr const char* kCalibrations[] = {"", ", calibrated by Platt's curve", ", calibrated by a table"};
  const std::string model =
      score.terms.empty() ? score.model_id : fmt::format("model {} {}", score.model_id, score.model_version);
  *out += fmt::format("  {}: {}, {}{}, intercept {}\n", score.name, model,
                      score.logistic ? "logistic (0 to 1)" : "plain sum",
                      kCalibrations[static_cast<int>(score.calibration.kind)], score.intercept);
  if (own_evaluation) *out += fmt::format("    {}\n", EvaluationText(pipeline.plan, score.evaluation));
  ExplainTerms(pipeline.plan, score, out);
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

namespace {

void ExplainScores(const PipelineFile& pipeline, std::string* out) {
  if (pipeline.plan.scores.empty()) return;
  *out += "\nScores\n";
  const bool together = std::all_of(pipeline.plan.scores.begin(), pipeline.plan.scores.end(), [&](const ScorePlan& s) {
    return s.evaluation == pipeline.plan.scores.front().evaluation;
  });
  if (together) {
    *out += fmt::format("  {}\n", EvaluationText(pipeline.plan, pipeline.plan.scores.front().evaluation));
  }
  for (const ScorePlan& score : pipeline.plan.scores) ExplainScore(pipeline, score, !together, out);
}

std::string ZoneText(DurationMs zone) {
  return fmt::format("UTC{}{:02}:{:02}", zone < 0 ? "-" : "+", std::abs(zone) / kHour,
                     std::abs(zone) % kHour / kMinute);
}

// What holds an alert back beside its own condition.
void ExplainLimitsOf(const PipelineFile& pipeline, const AlertPlan& alert, std::string* out) {
  const std::string priority = TextOf(pipeline, "priority " + alert.name);
  if (alert.priority >= 0) {
    const std::string by = !priority.empty()           ? priority
                           : alert.expected_value >= 0 ? "expected value"
                                                       : pipeline.plan.scores[alert.score].name;
    *out += fmt::format("    ranked by {}\n", by);
  }
  if (alert.budget >= 0) {
    *out += fmt::format("    waits for the close of budget {}\n", pipeline.plan.budgets[alert.budget].name);
  }
  const QuietPlan& quiet = alert.quiet;
  if (quiet.from != quiet.to) {
    static constexpr const char* kSummer[] = {"", ", summer time eu", ", summer time us"};
    const std::string zone = TextOf(pipeline, "zone " + alert.name);
    *out += fmt::format("    neither opens nor escalates from {} to {}, {}{}\n", FormatDuration(quiet.from),
                        FormatDuration(quiet.to),
                        !quiet.place.changes.empty() ? quiet.place.name
                        : zone.empty()               ? ZoneText(quiet.zone)
                                                     : "UTC + " + zone + ", else " + ZoneText(quiet.zone),
                        kSummer[static_cast<int>(quiet.summer_time)]);
  }
}

void ExplainLimits(const Plan& plan, std::string* out) {
  if (plan.customer_limit.alerts == 0 && plan.budgets.empty()) return;
  *out += "\nLimits\n";
  if (plan.customer_limit.alerts > 0) {
    *out += fmt::format("  at most {} alert{} of one customer within {}\n", plan.customer_limit.alerts,
                        plan.customer_limit.alerts == 1 ? "" : "s", FormatDuration(plan.customer_limit.within));
  }
  for (const BudgetPlan& budget : plan.budgets) {
    *out += fmt::format("  budget {}: {} alerts every {}", budget.name, budget.alerts, FormatDuration(budget.per));
    if (budget.closes > 0) *out += fmt::format(", closing {} after its beginning", FormatDuration(budget.closes));
    *out += '\n';
  }
}

}  // namespace

void ExplainAlert(const PipelineFile& pipeline, const AlertPlan& alert, std::string* out) {
  const Plan& plan = pipeline.plan;
  *out += fmt::format("  {}: when {}\n", alert.name, TextOf(pipeline, "when " + alert.name));
  std::string clear = TextOf(pipeline, "clear " + alert.name);
  *out += fmt::format("    cleared {}\n", clear.empty() ? "as soon as that isn't true" : "when " + clear);
  if (alert.score < 0 || alert.evaluation != plan.scores[alert.score].evaluation) {
    *out += fmt::format("    {}\n", EvaluationText(plan, alert.evaluation));
  }
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
  if (alert.expected_value >= 0) {
    *out += fmt::format("    worth {}\n", TextOf(pipeline, "expected_value " + alert.name));
  }
  if (alert.score >= 0) *out += fmt::format("    explained by {}\n", plan.scores[alert.score].name);
  ExplainLimitsOf(pipeline, alert, out);
  if (alert.holdout_basis_points > 0) {
    *out += fmt::format("    {:g}% of the customers are held out\n", alert.holdout_basis_points / 100.0);
  }
}

namespace {

void ExplainAlerts(const PipelineFile& pipeline, std::string* out) {
  if (pipeline.plan.alerts.empty()) return;
  ExplainLimits(pipeline.plan, out);
  *out += "\nAlerts\n";
  for (const AlertPlan& alert : pipeline.plan.alerts) ExplainAlert(pipeline, alert, out);
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
  for (size_t i = 1; i < pipeline.parts.size(); ++i) {
    out += (i == 1 ? "Includes " : ", ") + pipeline.parts[i].name + (i + 1 == pipeline.parts.size() ? "\n" : "");
  }
  ExplainZones(pipeline, &out);
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
