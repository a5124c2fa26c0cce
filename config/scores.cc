// The section `scores:`: scorecards and models, in the order in which they need each other, when they are evaluated,
// and their bands.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/dependency.h"
#include "config/model_file.h"
#include "operators/score/scorecard.h"

namespace ebb {
namespace {

constexpr std::string_view kModels[] = {"scorecard"};
constexpr std::string_view kLinks[] = {"logistic", "none"};

}  // namespace

Scope Assembler::FeatureScope() {
  Scope scope;
  scope.builder = &builder_;
  scope.names = &features_;
  scope.plan = &plan_;
  scope.event_fields = &event_fields_;
  return scope;
}

void Assembler::ReadScores(const YamlNode& node) {
  std::vector<ScoreDraft> drafts;
  for (size_t i : NamedEntries(node, "scores")) {
    if (drafts.size() == kMaxScores) {
      diagnostics_->Add("E0209", node.keys[i].span, fmt::format("more than {} scores", kMaxScores));
      break;
    }
    drafts.push_back({&node.keys[i], &node.values[i], {}, {}});
    DraftScore(&drafts.back());
  }
  AdoptOnlyEvaluate(drafts);
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> reads;
  for (const ScoreDraft& draft : drafts) {
    names.push_back(draft.key->text);
    reads.push_back(draft.reads);
  }
  const DependencyOrder order = OrderByDependency(names, reads);
  for (const std::vector<int>& cycle : order.cycles) {
    diagnostics_->Add("E0307", drafts[cycle.front()].key->span,
                      fmt::format("scores form a cycle: {}", ShowCycle(cycle, names)));
    for (int score : cycle) features_.try_emplace(names[score]);  // of unknown type
  }
  for (int score : order.order) ReadScore(&drafts[score]);
}

// Without an `evaluate:` at the top of the file, that of the only score which has one holds for all.
void Assembler::AdoptOnlyEvaluate(const std::vector<ScoreDraft>& drafts) {
  if (root_.Find("evaluate") != nullptr) return;
  const YamlNode* only = nullptr;
  Span where;
  for (const ScoreDraft& draft : drafts) {
    const YamlNode* evaluate = draft.node->is_mapping() ? draft.node->Find("evaluate") : nullptr;
    if (evaluate == nullptr) continue;
    if (only != nullptr) return;
    only = evaluate;
    for (const YamlNode& key : draft.node->keys) {
      if (key.text == "evaluate") where = key.span;
    }
  }
  if (only != nullptr) ReadEvaluate(*only, where, &plan_.evaluate);
}

// Which names the score reads, so that scores can be put in order before any is compiled. What can't be read is
// reported when it is compiled.
void Assembler::DraftScore(ScoreDraft* draft) {
  if (!draft->node->is_mapping()) return;
  if (const YamlNode* points = draft->node->Find("points")) {
    for (const YamlNode& point : points->values) {
      for (const char* key : {"when", "of", "baseline"}) {
        const YamlNode* text = point.is_mapping() ? point.Find(key) : nullptr;
        if (text == nullptr || !text->is_scalar()) continue;
        std::vector<ExpressionIssue> issues;
        const Expression expression = ParseExpression(text->text, &issues);
        if (expression.root < 0) continue;
        for (std::string& name : NamesIn(expression)) draft->reads.push_back(std::move(name));
      }
    }
  }
  const YamlNode* model = draft->node->Find("model");
  if (model == nullptr || !IsModelFile(*model)) return;
  draft->model = OpenModel(*model);
  if (draft->model) draft->reads = NamesInModel(*draft->model->root);
}

void Assembler::ReadScore(ScoreDraft* draft) {
  const YamlNode& key = *draft->key;
  ScorePlan score;
  score.name = key.text;
  MappingReader reader(*draft->node, key.span, fmt::format("score {}", Quoted(key.text)), diagnostics_);
  const YamlNode* model = reader.Require("model");
  const bool from_file = model != nullptr && IsModelFile(*model);
  if (model != nullptr && !from_file) ReadWord(*model, "model", kModels, diagnostics_);
  score.evaluation = EvaluationOf(&reader, 0);
  const YamlNode* link = reader.Take("link");
  const YamlNode* intercept = reader.Take("intercept");
  const YamlNode* points = from_file ? reader.Take("points") : reader.Require("points");
  const YamlNode* calibration = reader.Take("calibration");
  score.segment.begin = builder_.position();
  if (from_file) {
    for (const char* of_scorecard : {"link", "intercept", "points", "calibration"}) {
      if (reader.Take(of_scorecard) == nullptr) continue;
      diagnostics_->Add("E0113", reader.KeySpan(of_scorecard),
                        fmt::format("'{}:' belongs to 'model: scorecard'", of_scorecard),
                        "with a model file it stands there");
    }
    if (draft->model) CompileModel(*model, &*draft->model, &score);
  } else {
    if (link != nullptr) score.logistic = ReadWord(*link, "link", kLinks, diagnostics_).value_or(0) == 0;
    if (intercept != nullptr) score.intercept = ReadNumber(*intercept, "intercept", diagnostics_).value_or(0);
    if (points != nullptr) ReadPoints(*points, reader.KeySpan("points"), &score);
    if (calibration != nullptr) {
      ReadCalibration(*calibration, reader.KeySpan("calibration"), diagnostics_, &score.calibration);
      if (!score.logistic) {
        diagnostics_->Add("E0113", reader.KeySpan("calibration"),
                          "a calibration gives probabilities, so the link is logistic", "leave 'link: none' away");
      }
    }
  }
  score.segment.end = builder_.position();
  if (const YamlNode* bands = reader.Take("bands")) ReadBands(*bands, reader.KeySpan("bands"), &score);
  reader.Finish();
  score.target = builder_.NewRegister();
  auto [first, fresh] = defined_at_.try_emplace(score.name, key.span);
  if (!fresh) {
    diagnostics_->Add("E0111", key.span, fmt::format("a feature is called {} as well", Quoted(score.name)),
                      "in " + diagnostics_->LineText(first->second.begin, key.span.begin));
  }
  Symbol symbol;
  symbol.type = ExprType::kNumber;
  symbol.reg = score.target;
  symbol.moves = true;  // its points may hang on a recency
  features_.try_emplace(score.name, symbol);
  score_names_.push_back(score.name);
  plan_.scores.push_back(std::move(score));
}

void Assembler::ReadPoints(const YamlNode& node, Span where, ScorePlan* score) {
  if (!node.is_sequence() || node.values.empty()) {
    diagnostics_->Add("E0103", node.is_blank() ? where : node.span,
                      "'points:' takes a list with at least one {when, add, reason} or {of, weight}");
    return;
  }
  Scope scope = FeatureScope();
  scope.names_are = "feature or score";
  for (const YamlNode& point : node.values) ReadPoint(point, &scope, score);
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
    AddDeadlines(compiled.deadlines, score->evaluation);
    if (point.feature < 0 && !compiled.reads.empty()) point.feature = compiled.reads.front();
    return compiled.reg;
  };
  if (of != nullptr) point.value = compile(*of, "of", Want::kNumber);
  if (when != nullptr) point.condition = compile(*when, "when", Want::kCondition);
  if (const YamlNode* reason = reader.Take("reason")) point.reason = ReadReason(*reason);
  if (const YamlNode* baseline = reader.Take("baseline")) {
    ReadBaseline(*baseline, reader.KeySpan("baseline"), scope, &point);
  }
  reader.Finish();
  score->points.push_back(std::move(point));
}

void Assembler::ReadBaseline(const YamlNode& node, Span where, Scope* scope, PointPlan* point) {
  std::optional<Expression> expression = Parse(node, "baseline");
  if (!expression) return;
  if (point->feature < 0 || point->reason.empty() || plan_.features[point->feature].is_bool) {
    diagnostics_->Add("E0113", where, "a baseline stands beside the value of a number or duration in a reason",
                      "the point needs a 'reason:', and must name such a feature first");
    return;
  }
  const bool is_duration = plan_.features[point->feature].is_duration;
  point->baseline = Compile(node, *expression, is_duration ? Want::kDuration : Want::kNumber, scope).reg;
}

// {CODE: {en: TEXT, zh: TEXT}}
void Assembler::ReadReasonTexts(const YamlNode& node) {
  if (!node.is_mapping()) {
    diagnostics_->Add("E0103", node.span, "'reasons:' takes a mapping {CODE: {en: ..., zh: ...}}");
    return;
  }
  std::vector<std::string> known;
  for (const ScorePlan& score : plan_.scores) {
    for (const std::string& code : ReasonCodes(score)) known.push_back(code);
  }
  for (size_t i = 0; i < node.keys.size(); ++i) {
    FindName(node.keys[i], "E0116", "reason code", known);
    CodeText text;
    text.code = node.keys[i].text;
    MappingReader reader(node.values[i], node.keys[i].span, fmt::format("reason {}", Quoted(text.code)), diagnostics_);
    if (!reader.ok()) continue;
    if (const YamlNode* en = reader.Require("en")) text.en = ReadText(*en, "en", diagnostics_).value_or("");
    if (const YamlNode* zh = reader.Take("zh")) text.zh = ReadText(*zh, "zh", diagnostics_).value_or("");
    reader.Finish();
    plan_.reasons.push_back(std::move(text));
  }
}

std::string Assembler::ReadReason(const YamlNode& node) { return ReadReasonCode(node, diagnostics_); }

// The number of the evaluation that a score or an alert asks for in `evaluate:`; `otherwise` without it.
int Assembler::EvaluationOf(MappingReader* reader, int otherwise) {
  const YamlNode* node = reader->Take("evaluate");
  if (node == nullptr) return otherwise;
  EvaluatePlan wanted;
  ReadEvaluate(*node, reader->KeySpan("evaluate"), &wanted);
  for (int e = 0; e < plan_.evaluation_count(); ++e) {
    if (plan_.evaluation(e) == wanted) return e;
  }
  if (plan_.evaluation_count() == kMaxEvaluations) {
    diagnostics_->Add("E0209", reader->KeySpan("evaluate"),
                      fmt::format("more than {} different 'evaluate:'", kMaxEvaluations));
    return otherwise;
  }
  plan_.own_evaluations.push_back(wanted);
  return plan_.evaluation_count() - 1;
}

void Assembler::ReadEvaluate(const YamlNode& node, Span where, EvaluatePlan* out) {
  MappingReader reader(node, where, "'evaluate:'", diagnostics_);
  EvaluatePlan& plan = *out;
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

// Evaluations that no score and no alert has leave the plan; the others keep their order.
void Assembler::DropUnusedEvaluations() {
  uint64_t used = 0;
  for (const ScorePlan& score : plan_.scores) used |= uint64_t{1} << score.evaluation;
  for (const AlertPlan& alert : plan_.alerts) used |= uint64_t{1} << alert.evaluation;
  if (used == 0) return;
  std::vector<EvaluatePlan> kept;
  std::vector<int> number(plan_.evaluation_count(), -1);
  for (int e = 0; e < plan_.evaluation_count(); ++e) {
    if ((used >> e & 1) == 0) continue;
    number[e] = static_cast<int>(kept.size());
    kept.push_back(plan_.evaluation(e));
  }
  for (ScorePlan& score : plan_.scores) score.evaluation = number[score.evaluation];
  for (AlertPlan& alert : plan_.alerts) alert.evaluation = number[alert.evaluation];
  for (DeadlinePlan& deadline : plan_.deadlines) {
    uint64_t evaluations = 0;
    for (size_t e = 0; e < number.size(); ++e) {
      if ((deadline.evaluations >> e & 1) != 0 && number[e] >= 0) evaluations |= uint64_t{1} << number[e];
    }
    deadline.evaluations = evaluations;
  }
  plan_.evaluate = kept.front();
  plan_.own_evaluations.assign(kept.begin() + 1, kept.end());
}

void Assembler::AddDeadlines(const std::vector<DeadlinePlan>& deadlines, int evaluation) {
  const uint64_t bit = uint64_t{1} << evaluation;
  for (DeadlinePlan deadline : deadlines) {
    auto known = std::find_if(plan_.deadlines.begin(), plan_.deadlines.end(), [&](const DeadlinePlan& d) {
      return d.measure == deadline.measure && d.threshold == deadline.threshold && d.strict == deadline.strict &&
             d.base == deadline.base && d.falling == deadline.falling;
    });
    if (known != plan_.deadlines.end()) {
      known->evaluations |= bit;
    } else {
      deadline.evaluations = bit;
      plan_.deadlines.push_back(deadline);
    }
  }
}

}  // namespace ebb
