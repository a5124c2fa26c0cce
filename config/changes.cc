// 1. Each part of both files becomes a text that says all of it, with the names of what it reads.
// 2. A part of the new file is kept when the old one has the same text under its name, and keeps all that it reads.
#include "config/changes.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "config/explain.h"
#include "config/expression.h"
#include "config/expression_compile.h"

namespace ebb {
namespace {

struct Part {
  std::string kind, name, text;
  std::vector<std::string> reads;  // "feature momentum"
};

std::string Id(const Part& part) { return part.kind + " " + part.name; }

// Confined to its task's thread.
class PartMaker {
 public:
  explicit PartMaker(const PipelineFile& file) : file_(file), plan_(file.plan) {}

  std::vector<Part> Make() {
    for (const SourceConfig& source : file_.sources) AddSource(source);
    for (const FeatureName& feature : plan_.features) AddFeature(feature);
    for (const ScorePlan& score : plan_.scores) AddScore(score);
    for (const AlertPlan& alert : plan_.alerts) AddAlert(alert);
    return std::move(parts_);
  }

 private:
  void AddSource(const SourceConfig& source) {
    Part part{"source", source.schema.name, {}, {}};
    ExplainSource(file_, source, &part.text);
    for (const Field& field : source.schema.fields) {
      part.text += fmt::format("{} {} {}\n", field.path, field.missing.has_value(), field.missing.value_or(0));
    }
    part.text += fmt::format("{} {} {}", source.schema.key_path, source.schema.key_is_int,
                             static_cast<int>(source.schema.format));
    parts_.push_back(std::move(part));
  }

  void AddFeature(const FeatureName& feature) {
    Part part{"feature", feature.name, FeatureText(file_, feature), {}};
    const auto measure = std::find_if(plan_.measures.begin(), plan_.measures.end(),
                                      [&](const MeasurePlan& m) { return m.name == feature.name; });
    if (measure != plan_.measures.end()) {
      part.reads.push_back("source " + plan_.sources[measure->source]);
    } else {
      AddReads("feature " + feature.name, &part);
    }
    parts_.push_back(std::move(part));
  }

  void AddScore(const ScorePlan& score) {
    Part part{"score", score.name, {}, {}};
    ExplainScore(file_, score, true, &part.text);
    for (size_t i = 0; i < score.points.size(); ++i) {
      AddReads(fmt::format("point {} {}", score.name, i), &part);
      AddReads(fmt::format("condition {} {}", score.name, i), &part);
      part.text += fmt::format("{} ", score.points[i].weight);
    }
    for (const TermPlan& term : score.terms) {
      if (term.feature >= 0) part.reads.push_back("feature " + plan_.features[term.feature].name);
      part.text += fmt::format("{} {} {} {} {} {} ", term.weight, term.mean, term.scale, term.missing,
                               fmt::join(term.edges, " "), fmt::join(term.values, " "));
    }
    const CalibrationPlan& c = score.calibration;
    part.text += fmt::format("{} {} {} {}", c.a, c.b, fmt::join(c.x, " "), fmt::join(c.y, " "));
    parts_.push_back(std::move(part));
  }

  void AddAlert(const AlertPlan& alert) {
    Part part{"alert", alert.name, {}, {}};
    ExplainAlert(file_, alert, &part.text);
    for (const char* what : {"when", "clear", "expected_value", "priority", "zone"}) {
      AddReads(fmt::format("{} {}", what, alert.name), &part);
    }
    for (const SeverityPlan& severity : alert.severities) {
      AddReads(fmt::format("severity {} {}", alert.name, severity.name), &part);
    }
    if (alert.score >= 0) part.reads.push_back("score " + plan_.scores[alert.score].name);
    parts_.push_back(std::move(part));
  }

  // What the expression that is kept under `key` names.
  void AddReads(const std::string& key, Part* part) const {
    const auto text = file_.texts.find(key);
    if (text == file_.texts.end()) return;
    std::vector<ExpressionIssue> issues;
    for (const std::string& name : NamesIn(ParseExpression(text->second, &issues))) {
      const size_t dot = name.find('.');
      const bool score =
          std::any_of(plan_.scores.begin(), plan_.scores.end(), [&](const ScorePlan& s) { return s.name == name; });
      part->reads.push_back(dot != std::string::npos ? "source " + name.substr(0, dot)
                            : score                  ? "score " + name
                                                     : "feature " + name);
    }
  }

  const PipelineFile& file_;
  const Plan& plan_;
  std::vector<Part> parts_;
};

void AddHistory(const Plan& plan, Changes* changes) {
  for (const MeasurePlan& measure : plan.measures) {
    if (measure.window < 0) continue;
    const WindowPlan& window = plan.windows[measure.window];
    changes->endless = changes->endless || window.length == 0;
    changes->history = std::max(changes->history, window.length + window.tile);
  }
}

}  // namespace

Changes ChangesBetween(const PipelineFile& old, const PipelineFile& fresh) {
  const std::vector<Part> before = PartMaker(old).Make(), after = PartMaker(fresh).Make();
  std::map<std::string, std::string> texts;
  for (const Part& part : before) texts[Id(part)] = part.text;
  std::map<std::string, std::string> why;  // of what isn't kept
  for (const Part& part : after) {
    const auto known = texts.find(Id(part));
    if (known == texts.end()) why[Id(part)] = "new";
    if (known != texts.end() && known->second != part.text) why[Id(part)] = "changed";
  }
  for (bool more = true; more;) {
    more = false;
    for (const Part& part : after) {
      if (why.contains(Id(part))) continue;
      const auto cause = std::find_if(part.reads.begin(), part.reads.end(),
                                      [&](const std::string& read) { return why.contains(read); });
      if (cause == part.reads.end()) continue;
      why[Id(part)] = *cause + (why[*cause] == "new" ? " is new" : " changed");
      more = true;
    }
  }
  Changes changes;
  AddHistory(fresh.plan, &changes);
  changes.same_state = old.plan.pipeline == fresh.plan.pipeline && old.plan.fingerprint == fresh.plan.fingerprint;
  for (const char* kind : {"source", "feature", "score", "alert"}) {
    std::vector<std::string> names;
    for (const Part& part : after) {
      if (part.kind != kind) continue;
      names.push_back(part.name);
      const auto cause = why.find(Id(part));
      if (cause == why.end()) {
        changes.parts.push_back({kind, part.name, Change::Fate::kKept, ""});
        continue;
      }
      changes.parts.push_back({kind, part.name, Change::Fate::kBackfilled, cause->second});
    }
    for (const Part& part : before) {
      const bool gone = part.kind == kind && std::find(names.begin(), names.end(), part.name) == names.end();
      if (gone) changes.parts.push_back({kind, part.name, Change::Fate::kDropped, ""});
    }
  }
  return changes;
}

}  // namespace ebb
