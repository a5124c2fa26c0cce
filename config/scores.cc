// The section `scores:`: scorecards, when they are evaluated, and their bands.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"

namespace ebb {
namespace {

constexpr std::string_view kModels[] = {"scorecard"};
constexpr std::string_view kLinks[] = {"logistic", "none"};
constexpr size_t kMaxReasonBytes = 64;

}  // namespace

Scope Assembler::FeatureScope() {
  Scope scope;
  scope.builder = &builder_;
  scope.names = &features_;
  scope.plan = &plan_;
  return scope;
}

void Assembler::ReadScores(const YamlNode& node) {
  for (size_t i : NamedEntries(node, "scores")) {
    if (plan_.scores.size() == kMaxScores) {
      diagnostics_->Add("E0209", node.keys[i].span, fmt::format("more than {} scores", kMaxScores));
      return;
    }
    ReadScore(node.keys[i], node.values[i]);
  }
}

void Assembler::ReadScore(const YamlNode& key, const YamlNode& node) {
  ScorePlan score;
  score.name = key.text;
  MappingReader reader(node, key.span, fmt::format("score {}", Quoted(key.text)), diagnostics_);
  if (const YamlNode* model = reader.Require("model")) ReadWord(*model, "model", kModels, diagnostics_);
  if (const YamlNode* link = reader.Take("link")) {
    score.logistic = ReadWord(*link, "link", kLinks, diagnostics_).value_or(0) == 0;
  }
  if (const YamlNode* evaluate = reader.Take("evaluate")) ReadEvaluate(*evaluate, reader.KeySpan("evaluate"));
  if (const YamlNode* intercept = reader.Take("intercept")) {
    score.intercept = ReadNumber(*intercept, "intercept", diagnostics_).value_or(0);
  }
  Scope scope = FeatureScope();
  scope.hidden[key.text] = "is this score itself";
  if (const YamlNode* scores = root_.Find("scores"); scores != nullptr && scores->is_mapping()) {
    for (const YamlNode& other : scores->keys)
      scope.hidden.try_emplace(other.text, "is a score that stands further down");
  }
  score.segment.begin = builder_.position();
  if (const YamlNode* points = reader.Require("points")) {
    if (!points->is_sequence() || points->values.empty()) {
      diagnostics_->Add("E0103", points->is_blank() ? reader.KeySpan("points") : points->span,
                        "'points:' takes a list with at least one {when, add, reason} or {of, weight}");
    } else {
      for (const YamlNode& point : points->values) ReadPoint(point, &scope, &score);
    }
  }
  score.segment.end = builder_.position();
  if (const YamlNode* bands = reader.Take("bands")) ReadBands(*bands, reader.KeySpan("bands"), &score);
  reader.Finish();
  score.target = builder_.NewRegister();
  auto [first, fresh] = defined_at_.try_emplace(score.name, key.span);
  if (!fresh) {
    diagnostics_->Add("E0111", key.span, fmt::format("a feature is called {} as well", Quoted(score.name)),
                      fmt::format("in line {}", first->second.begin.line));
  }
  Symbol symbol;
  symbol.type = ExprType::kNumber;
  symbol.reg = score.target;
  symbol.moves = true;  // its points may hang on a recency
  features_.try_emplace(score.name, symbol);
  score_names_.push_back(score.name);
  plan_.scores.push_back(std::move(score));
}

void Assembler::ReadPoint(const YamlNode& node, Scope* scope, ScorePlan* score) {
  MappingReader reader(node, node.span, "this point", diagnostics_);
  if (!reader.ok()) return;
  PointPlan point;
  constexpr std::string_view kForms[] = {"add", "of"};
  std::optional<std::string> form = reader.ExactlyOne(kForms);
  const YamlNode* when = form == "add" ? reader.Require("when") : reader.Take("when");
  const YamlNode* of = reader.Take("of");
  const YamlNode* weight = form == "of" ? reader.Require("weight") : reader.Take("weight");
  if (form == "add" && weight != nullptr) {
    diagnostics_->Add("E0113", reader.KeySpan("weight"), "'weight:' belongs to 'of:'", "leave it away beside 'add:'");
  }
  const YamlNode* factor = form == "add" ? reader.Take("add") : weight;
  if (factor != nullptr) {
    point.weight = ReadNumber(*factor, form == "add" ? "add" : "weight", diagnostics_).value_or(0);
  }
  auto compile = [&](const YamlNode& expression_node, std::string_view what, Want want) {
    std::optional<Expression> expression = Parse(expression_node, what);
    if (!expression) return -1;
    std::string_view kind = what == "when" && form == "of" ? "condition" : "point";
    out_.texts[fmt::format("{} {} {}", kind, score->name, score->points.size())] = expression->source;
    Compiled compiled = Compile(expression_node, *expression, want, scope);
    AddDeadlines(compiled.deadlines);
    if (point.feature < 0 && !compiled.reads.empty()) point.feature = compiled.reads.front();
    return compiled.reg;
  };
  if (of != nullptr) point.value = compile(*of, "of", Want::kNumber);
  if (when != nullptr) point.condition = compile(*when, "when", Want::kCondition);
  if (const YamlNode* reason = reader.Take("reason")) point.reason = ReadReason(*reason);
  reader.Finish();
  score->points.push_back(std::move(point));
}

std::string Assembler::ReadReason(const YamlNode& node) {
  std::optional<std::string> reason = ReadText(node, "reason", diagnostics_);
  if (!reason) return "";
  bool good = !node.secret && !reason->empty() && reason->size() <= kMaxReasonBytes &&
              std::all_of(reason->begin(), reason->end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  if (good) return *reason;
  std::string upper;
  for (char c : *reason)
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : (c >= 'A' && c <= 'Z' ? c : '_');
  bool fits = !node.secret && !upper.empty() && upper.size() <= kMaxReasonBytes;
  diagnostics_->Add("E0206", node.span, fmt::format("{} can't be a reason code", ShownText(node)),
                    fits ? fmt::format("write {}", upper) : "capital letters and underscores, at most 64");
  return "";
}

void Assembler::ReadEvaluate(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'evaluate:'", diagnostics_);
  if (evaluate_read_) {
    diagnostics_->Add("E0113", where, "all scores are evaluated together, and another score has 'evaluate:' already",
                      "keep one of them");
  }
  evaluate_read_ = true;
  EvaluatePlan& plan = plan_.evaluate;
  if (const YamlNode* on = reader.Take("on")) {
    plan.on_sources = 0;
    for (const YamlNode* item : ReadList(*on, "on", diagnostics_)) {
      if (item->is_scalar() && item->text == "all") {
        plan.on_sources = ~uint64_t{0};
        continue;
      }
      int source = FindName(*item, "E0105", "source", plan_.sources);
      if (source >= 0) plan.on_sources |= uint64_t{1} << source;
    }
  }
  if (const YamlNode* most = reader.Take("at_most_every")) {
    plan.at_most_every = ReadDuration(*most, "at_most_every", diagnostics_).value_or(0);
  }
  if (const YamlNode* also = reader.Take("also_every")) {
    std::optional<DurationMs> every = ReadDuration(*also, "also_every", diagnostics_);
    plan.also_every = every.value_or(0);
    if (every && *every < kSecond) {
      diagnostics_->Add("E0203", also->span, "'also_every:' must be at least 1s", "leave it away for no schedule");
    }
  }
  if (const YamlNode* at_close = reader.Take("at_close")) {
    for (const YamlNode* item : ReadList(*at_close, "at_close", diagnostics_)) {
      int index = FindName(*item, "E0106", "window", window_names_);
      if (index < 0 || window_broken_[index]) continue;
      const WindowPlan& window = plan_.windows[index];
      if (!window.closed) {
        diagnostics_->Add("E0309", item->span, fmt::format("window {} has no periods that close", Quoted(window.name)),
                          "give the window a hop, as in {length: 1d, hop: 1d}");
        continue;
      }
      plan.at_close.push_back({window.tile, window.offset});
    }
  }
  reader.Finish();
}

void Assembler::ReadBands(const YamlNode& node, Span where, ScorePlan* score) {
  if (!node.is_mapping()) {
    diagnostics_->Add("E0103", node.is_blank() ? where : node.span, "'bands:' takes a mapping {name: lower bound}");
    return;
  }
  for (size_t i : NamedEntries(node, "bands")) {
    std::optional<double> bound = ReadNumber(node.values[i], node.keys[i].text, diagnostics_);
    if (!bound) continue;
    if (!score->bands.empty() && *bound <= score->bands.back().second) {
      diagnostics_->Add("E0210", node.values[i].span,
                        fmt::format("band {} doesn't begin above band {}", Quoted(node.keys[i].text),
                                    Quoted(score->bands.back().first)),
                        "write the bands in ascending order");
    }
    score->bands.emplace_back(node.keys[i].text, *bound);
  }
}

void Assembler::AddDeadlines(const std::vector<DeadlinePlan>& deadlines) {
  for (const DeadlinePlan& deadline : deadlines) {
    bool known = std::any_of(plan_.deadlines.begin(), plan_.deadlines.end(), [&](const DeadlinePlan& d) {
      return d.measure == deadline.measure && d.threshold == deadline.threshold && d.strict == deadline.strict;
    });
    if (!known) plan_.deadlines.push_back(deadline);
  }
}

}  // namespace ebb
