// The section `alerts:`: conditions, episodes, severities, actions.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "config/assembler.h"

namespace ebb {
namespace {

constexpr std::string_view kRevisions[] = {"escalated", "updated", "resolved", "expired"};
constexpr double kLargestHoldout = 0.5;
constexpr int kMaxConfirm = 1000;

}  // namespace

void Assembler::ReadAlerts(const YamlNode& node) {
  for (size_t i : NamedEntries(node, "alerts")) {
    if (plan_.alerts.size() == kMaxAlerts) {
      diagnostics_->Add("E0209", node.keys[i].span, fmt::format("more than {} alerts", kMaxAlerts));
      return;
    }
    ReadAlert(node.keys[i], node.values[i]);
  }
}

void Assembler::ReadAlert(const YamlNode& key, const YamlNode& node) {
  AlertPlan alert;
  alert.name = key.text;
  MappingReader reader(node, key.span, fmt::format("alert {}", Quoted(key.text)), diagnostics_);
  Scope scope = FeatureScope();
  scope.names_are = "feature or score";
  std::vector<int> named;
  std::vector<DeadlinePlan> deadlines;
  Expression when_expression;
  alert.segment.begin = builder_.position();
  for (bool opens : {true, false}) {
    const YamlNode* condition = opens ? reader.Require("when") : reader.Take("clear");
    if (condition == nullptr) continue;
    std::optional<Expression> expression = Parse(*condition, opens ? "when" : "clear");
    if (!expression) continue;
    out_.texts[(opens ? "when " : "clear ") + key.text] = expression->source;
    Compiled compiled = Compile(*condition, *expression, Want::kCondition, &scope);
    deadlines.insert(deadlines.end(), compiled.deadlines.begin(), compiled.deadlines.end());
    (opens ? alert.when : alert.clear) = compiled.reg;
    if (!opens) continue;
    named = compiled.reads;
    when_expression = std::move(*expression);
  }
  if (const YamlNode* severity = reader.Take("severity")) {
    ReadSeverities(*severity, reader.KeySpan("severity"), &scope, &alert, &deadlines);
  }
  ChooseExplained(reader.Take("explain"), when_expression, &alert);
  alert.evaluation = EvaluationOf(&reader, alert.score >= 0 ? plan_.scores[alert.score].evaluation : 0);
  AddDeadlines(deadlines, alert.evaluation);
  if (const YamlNode* action = reader.Take("action")) ReadAction(*action, reader.KeySpan("action"), &scope, &alert);
  ReadBudgetOf(&reader, reader.Take("priority"), &scope, &alert);
  if (const YamlNode* quiet = reader.Take("quiet")) ReadQuiet(*quiet, reader.KeySpan("quiet"), &scope, &alert);
  alert.segment.end = builder_.position();
  if (const YamlNode* confirm = reader.Take("confirm")) {
    alert.confirm = static_cast<int>(ReadInteger(*confirm, "confirm", 1, kMaxConfirm, diagnostics_).value_or(1));
  }
  if (const YamlNode* cooldown = reader.Take("cooldown")) {
    alert.cooldown = ReadDuration(*cooldown, "cooldown", diagnostics_).value_or(0);
  }
  if (const YamlNode* valid_for = reader.Take("valid_for")) {
    alert.valid_for = ReadDuration(*valid_for, "valid_for", diagnostics_).value_or(0);
  }
  if (const YamlNode* holdout = reader.Take("holdout")) ReadHoldout(*holdout, &alert);
  if (const YamlNode* revisions = reader.Take("revisions")) ReadRevisions(*revisions, &alert);
  if (alert.on_updated && alert.score < 0) {
    diagnostics_->Add("E0113", reader.KeySpan("revisions"),
                      "'updated' tells of another main reason, and no score explains this alert",
                      "remove it, or name the score in 'explain:'");
  }
  if (const YamlNode* features = reader.Take("features")) {
    alert.features = ReadFeatureList(*features);
  } else {
    DefaultFeatures(named, &alert);
  }
  reader.Finish();
  alert_names_.push_back(alert.name);
  plan_.alerts.push_back(std::move(alert));
}

void Assembler::ReadAction(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert) {
  MappingReader parts(node, where, "'action:'", diagnostics_);
  if (const YamlNode* code = parts.Require("code")) {
    alert->action_code = ReadText(*code, "code", diagnostics_).value_or("");
  }
  if (const YamlNode* kind = parts.Take("class")) {
    alert->action_class = ReadText(*kind, "class", diagnostics_).value_or("");
  }
  if (const YamlNode* value = parts.Take("expected_value")) {
    alert->expected_value = CompileNumber(*value, "expected_value", alert->name, scope);
  }
  parts.Finish();
}

void Assembler::ReadSeverities(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert,
                               std::vector<DeadlinePlan>* deadlines) {
  if (!node.is_mapping()) {
    diagnostics_->Add("E0103", node.is_blank() ? where : node.span, "'severity:' takes a mapping {name: condition}");
    return;
  }
  for (size_t i : NamedEntries(node, "severity")) {
    std::optional<Expression> expression = Parse(node.values[i], node.keys[i].text);
    if (!expression) continue;
    out_.texts[fmt::format("severity {} {}", alert->name, node.keys[i].text)] = expression->source;
    Compiled compiled = Compile(node.values[i], *expression, Want::kCondition, scope);
    deadlines->insert(deadlines->end(), compiled.deadlines.begin(), compiled.deadlines.end());
    alert->severities.push_back({node.keys[i].text, compiled.reg});
  }
}

void Assembler::ReadRevisions(const YamlNode& node, AlertPlan* alert) {
  bool* const flags[] = {&alert->on_escalated, &alert->on_updated, &alert->on_resolved, &alert->on_expired};
  for (bool* flag : flags) *flag = false;
  for (const YamlNode* item : ReadList(node, "revisions", diagnostics_)) {
    if (std::optional<size_t> index = ReadWord(*item, "revisions", kRevisions, diagnostics_)) *flags[*index] = true;
  }
}

void Assembler::ReadHoldout(const YamlNode& node, AlertPlan* alert) {
  std::optional<double> share = ReadPercent(node, "holdout", diagnostics_);
  if (!share) return;
  if (*share > kLargestHoldout) {
    diagnostics_->Add("E0211", node.span, fmt::format("a holdout of {} is more than half of the customers", node.text),
                      "at most 50%");
    return;
  }
  alert->holdout_basis_points = static_cast<int>(*share * 10000 + 0.5);
  if (std::fabs(*share * 10000 - alert->holdout_basis_points) > 1e-6) {
    diagnostics_->Add("E0203", node.span, fmt::format("{} is finer than steps of 0.01%", node.text));
  }
}

// The score whose reasons explain the alert: the named one, or the first in the condition, or the only one.
void Assembler::ChooseExplained(const YamlNode* explain, const Expression& when, AlertPlan* alert) {
  if (explain != nullptr) {
    alert->score = FindName(*explain, "E0108", "score", score_names_);
    return;
  }
  for (const std::string& name : NamesIn(when)) {
    auto found = std::find(score_names_.begin(), score_names_.end(), name);
    if (found == score_names_.end()) continue;
    alert->score = static_cast<int>(found - score_names_.begin());
    return;
  }
  if (score_names_.size() == 1) alert->score = 0;
}

// The features that the condition names, and those that can stand as a reason.
void Assembler::DefaultFeatures(const std::vector<int>& named, AlertPlan* alert) {
  alert->features = named;
  if (alert->score >= 0) {
    const auto add = [&](const auto& term) {
      if (!term.reason.empty() && term.feature >= 0) alert->features.push_back(term.feature);
    };
    for (const PointPlan& point : plan_.scores[alert->score].points) add(point);
    for (const TermPlan& term : plan_.scores[alert->score].terms) add(term);
  }
  std::sort(alert->features.begin(), alert->features.end());
  alert->features.erase(std::unique(alert->features.begin(), alert->features.end()), alert->features.end());
}

std::vector<int> Assembler::ReadFeatureList(const YamlNode& node) {
  std::vector<int> out;
  for (const YamlNode* item : ReadList(node, "features", diagnostics_)) {
    int index = FindFeature(*item);
    if (index >= 0 && std::find(out.begin(), out.end(), index) == out.end()) out.push_back(index);
  }
  return out;
}

int Assembler::FindFeature(const YamlNode& node) {
  auto found = node.is_scalar() ? features_.find(node.text) : features_.end();
  if (found != features_.end() && found->second.index >= 0) return found->second.index;
  std::vector<std::string> known;
  for (const FeatureName& feature : plan_.features) known.push_back(feature.name);
  return FindName(node, "E0109", "feature", known);
}

}  // namespace ebb
