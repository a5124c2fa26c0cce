// The same as ExplainPipeline, for programs.
#include <algorithm>

#include <fmt/format.h>

#include "config/explain.h"
#include "engine/observe/json_text.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

// An object or a list while it grows. Confined to its task's thread.
class JsonText {
 public:
  explicit JsonText(char open) : close_(open == '{' ? '}' : ']') { text_ = open; }

  JsonText& Raw(std::string_view key, std::string_view json) {
    if (text_.size() > 1) text_ += ',';
    if (!key.empty()) {
      AppendJsonString(key, &text_);
      text_ += ':';
    }
    text_ += json;
    return *this;
  }
  JsonText& Text(std::string_view key, std::string_view value) {
    std::string json;
    AppendJsonString(value, &json);
    return Raw(key, json);
  }
  // Left away when it is empty.
  JsonText& Some(std::string_view key, std::string_view value) { return value.empty() ? *this : Text(key, value); }
  JsonText& Whole(std::string_view key, int64_t value) { return Raw(key, std::to_string(value)); }
  JsonText& Number(std::string_view key, double value) {
    std::string json;
    AppendJsonNumber(value, &json);
    return Raw(key, json);
  }
  JsonText& Bool(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  std::string Done() { return text_ + close_; }

 private:
  std::string text_;
  char close_;
};

std::string TextOf(const PipelineFile& file, const std::string& key) {
  auto found = file.texts.find(key);
  return found == file.texts.end() ? "" : found->second;
}

// Durations are in milliseconds everywhere.
std::string SourcesJson(const PipelineFile& file) {
  JsonText list('[');
  for (const SourceConfig& source : file.sources) {
    const char* kinds[] = {"file", "topic", "generate"};
    const SourceSchema& s = source.schema;
    const auto& references = file.plan.references;
    const bool reference = std::any_of(references.begin(), references.end(),
                                       [&](const ReferencePlan& r) { return r.source == s.ordinal; });
    const char* kind = reference ? "reference" : "";
    JsonText fields('[');
    for (size_t slot = 0; slot < source.slot_names.size(); ++slot) {
      if (slot < s.fields.size()) {
        fields.Raw("", JsonText('{')
                           .Text("name", s.fields[slot].name)
                           .Text("path", s.fields[slot].path)
                           .Text("type", FieldTypeText(s.fields[slot].type, s.fields[slot].decimals))
                           .Done());
      } else {
        fields.Raw("", JsonText('{').Text("name", source.slot_names[slot]).Bool("computed", true).Done());
      }
    }
    list.Raw("", JsonText('{')
                     .Text("name", s.name)
                     .Text(kinds[static_cast<int>(source.origin)], source.location)
                     .Text("format", s.format == Format::kJson ? "json" : "csv")
                     .Text("key", s.key_path)
                     .Text("time", s.time.path)
                     .Whole("disorder", s.time.disorder)
                     .Some("kind", kind)
                     .Some("where", TextOf(file, "source " + s.name))
                     .Raw("fields", fields.Done())
                     .Done());
  }
  return list.Done();
}

std::string WindowsJson(const Plan& plan) {
  JsonText list('[');
  for (const WindowPlan& window : plan.windows) {
    JsonText item('{');
    item.Text("name", window.name);
    if (window.length == 0) {
      item.Bool("ever", true);
    } else {
      item.Whole("length", window.length).Whole("tile", window.tile).Whole("tiles", window.length / window.tile);
      item.Number("edge_error", static_cast<double>(window.tile) / (2.0 * static_cast<double>(window.length)));
    }
    list.Raw("", item.Done());
  }
  return list.Done();
}

std::string FeaturesJson(const PipelineFile& file) {
  const Plan& plan = file.plan;
  JsonText list('[');
  for (const FeatureName& feature : plan.features) {
    const auto measure = std::find_if(plan.measures.begin(), plan.measures.end(),
                                      [&](const MeasurePlan& m) { return m.name == feature.name; });
    JsonText item('{');
    item.Text("name", feature.name)
        .Text("type", feature.is_duration ? "duration"
                      : feature.is_bool   ? "bool"
                                          : "number");
    const auto population = std::find_if(plan.populations.begin(), plan.populations.end(),
                                         [&](const PopulationPlan& p) { return p.name == feature.name; });
    if (population != plan.populations.end()) {
      item.Text("population", TextOf(file, "feature " + feature.name)).Text("stat", population->statistic);
      if (population->quantile > 0) item.Number("q", static_cast<double>(population->quantile) / 1'000'000);
      item.Whole("per", population->per).Whole("closes", population->closes);
    } else if (measure == plan.measures.end()) {
      item.Text("expr", TextOf(file, "feature " + feature.name));
    } else {
      item.Text("from", plan.sources[measure->source]).Text("agg", measure->aggregate);
      if (measure->slot >= 0) item.Text("of", file.sources[measure->source].slot_names[measure->slot]);
      item.Some("where", TextOf(file, "where " + measure->name));
      if (measure->window >= 0) item.Text("over", plan.windows[measure->window].name);
      if (measure->exact) item.Bool("exact", true).Whole("max_events", measure->max_events);
      if (measure->half_life > 0) item.Whole("half_life", measure->half_life);
    }
    list.Raw("", item.Done());
  }
  return list.Done();
}

std::string ScoresJson(const PipelineFile& file) {
  JsonText list('[');
  for (const ScorePlan& score : file.plan.scores) {
    JsonText points('[');
    for (size_t i = 0; i < score.points.size(); ++i) {
      const PointPlan& point = score.points[i];
      const std::string term = TextOf(file, fmt::format("point {} {}", score.name, i));
      points.Raw("", JsonText('{')
                         .Text(point.value >= 0 ? "of" : "when", term)
                         .Number(point.value >= 0 ? "weight" : "add", point.weight)
                         .Some("condition", TextOf(file, fmt::format("condition {} {}", score.name, i)))
                         .Some("reason", point.reason)
                         .Done());
    }
    JsonText bands('{');
    for (const auto& [name, bound] : score.bands) bands.Number(name, bound);
    list.Raw("", JsonText('{')
                     .Text("name", score.name)
                     .Text("link", score.logistic ? "logistic" : "none")
                     .Number("intercept", score.intercept)
                     .Raw("points", points.Done())
                     .Raw("bands", bands.Done())
                     .Done());
  }
  return list.Done();
}

std::string AlertsJson(const PipelineFile& file) {
  JsonText list('[');
  for (const AlertPlan& alert : file.plan.alerts) {
    list.Raw("", JsonText('{')
                     .Text("name", alert.name)
                     .Text("when", TextOf(file, "when " + alert.name))
                     .Some("clear", TextOf(file, "clear " + alert.name))
                     .Whole("confirm", alert.confirm)
                     .Whole("cooldown", alert.cooldown)
                     .Whole("valid_for", alert.valid_for)
                     .Some("action", alert.action_code)
                     .Number("holdout", alert.holdout_basis_points / 10000.0)
                     .Done());
  }
  return list.Done();
}

std::string RowJson(const RowSize& size, const RowAssumption& assumption) {
  return JsonText('{')
      .Number("typical", size.typical)
      .Number("memory", size.memory)
      .Whole("most", size.most)
      .Whole("assumed_records_a_day", assumption.records_a_day)
      .Whole("assumed_days", size.days)
      .Done();
}

}  // namespace

std::string ExplainJson(const PipelineFile& file, const RowSize& size, const RowAssumption& assumption) {
  std::string includes;
  for (size_t i = 1; i < file.parts.size(); ++i) {
    if (i > 1) includes += ',';
    AppendJsonString(file.parts[i].name, &includes);
  }
  return JsonText('{')
             .Text("pipeline", file.plan.pipeline)
             .Text("fingerprint", file.plan.fingerprint)
             .Raw("includes", "[" + includes + "]")
             .Raw("sources", SourcesJson(file))
             .Raw("windows", WindowsJson(file.plan))
             .Raw("features", FeaturesJson(file))
             .Raw("scores", ScoresJson(file))
             .Raw("alerts", AlertsJson(file))
             .Raw("customer_bytes", RowJson(size, assumption))
             .Done() +
         "\n";
}

}  // namespace ebb
