// The section `features:`: aggregates over windows, expanded to one feature for each aggregation and window, and
// features that are computed from others.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/dependency.h"

namespace ebb {
namespace {

std::vector<std::string> AggregateNames() {
  std::vector<std::string> names;
  for (const Aggregate* aggregate : Aggregates()) names.emplace_back(aggregate->name);
  return names;
}

}  // namespace

void Assembler::ReadFeatures(const YamlNode& node) {
  for (size_t i : NamedEntries(node, "features")) {
    const YamlNode& key = node.keys[i];
    MappingReader reader(node.values[i], key.span, fmt::format("feature {}", Quoted(key.text)), diagnostics_);
    if (!reader.ok()) {
      AddFeature(key.text, key.span, {});
      continue;
    }
    constexpr std::string_view kForms[] = {"from", "expr", "population"};
    std::optional<std::string> form = reader.ExactlyOne(kForms);
    if (form == "from") {
      ReadMeasures(key, &reader);
      reader.Finish();
      continue;
    }
    if (form == "expr") {
      const YamlNode* value = reader.Take("expr");
      DerivedDraft draft{key.text, value, {}, static_cast<int>(plan_.features.size()), -1};
      std::optional<Expression> expression = Parse(*value, "expr");
      if (expression) {
        out_.texts["feature " + key.text] = expression->source;
        draft.expression = std::move(*expression);
        derived_.push_back(std::move(draft));
      }
      reader.Finish();
    } else if (form == "population") {
      ReadPopulation(key, &reader);
      reader.Finish();
    }
    AddFeature(key.text, key.span, {});
  }
}

// Reads what all features of one entry share, then expands it.
void Assembler::ReadMeasures(const YamlNode& key, MappingReader* reader) {
  size_t errors = diagnostics_->size();
  MeasureDraft draft;
  MeasurePlan& base = draft.measure;
  const YamlNode& from = *reader->Take("from");
  base.source = FindName(from, "E0105", "source", plan_.sources);
  if (base.source >= 0 && drafts_[base.source]->reference) {
    diagnostics_->Add("E0310", from.span, fmt::format("{} is a reference source, and has no events", ShownText(from)),
                      fmt::format("read its fields in expressions, as {}.FIELD", from.text));
    base.source = -1;
  }
  std::vector<const Aggregate*> aggregates;
  const YamlNode* agg = reader->Require("agg");
  const std::vector<std::string> known = AggregateNames();
  for (const YamlNode* item : agg != nullptr ? ReadList(*agg, "agg", diagnostics_) : std::vector<const YamlNode*>()) {
    int index = FindName(*item, "E0104", "aggregation", known);
    if (index >= 0) aggregates.push_back(Aggregates()[static_cast<size_t>(index)]);
  }
  bool aggregates_known = diagnostics_->size() == errors || !aggregates.empty();
  const YamlNode* of = reader->Take("of");
  const SourceDraft* source = base.source >= 0 ? drafts_[base.source].get() : nullptr;
  const Aggregate* needs = FindFirst(aggregates, [](const Aggregate* a) { return a->needs_field; });
  const Aggregate* takes = FindFirst(aggregates, [](const Aggregate* a) { return a->needs_field || a->allows_field; });
  if (of == nullptr && needs != nullptr) {
    diagnostics_->Add("E0301", key.span, fmt::format("{} needs a field: add 'of:'", needs->name));
  } else if (of != nullptr && takes == nullptr && aggregates_known && !aggregates.empty()) {
    diagnostics_->Add("E0302", reader->KeySpan("of"), fmt::format("{} takes no field", aggregates[0]->name),
                      "to count some of the records use where:");
  } else if (of != nullptr && source != nullptr) {
    for (const Aggregate* aggregate : aggregates) {
      bool reads = aggregate->needs_field || aggregate->allows_field;
      if (reads && !ReadOf(*of, *aggregate, *source, &base)) break;
    }
  }
  if (const YamlNode* where = reader->Take("where")) {
    if (base.source >= 0) base.filter = ReadFilter(*where, "where", base.source);
  }
  ReadOptions(reader, aggregates, &draft);
  AddMeasures(key, reader, draft, diagnostics_->size() != errors);
}

bool Assembler::ReadOf(const YamlNode& of, const Aggregate& aggregate, const SourceDraft& source,
                       MeasurePlan* measure) {
  std::optional<std::string> name = ReadText(of, "of", diagnostics_);
  if (!name || source.broken) return false;
  auto found = source.names.find(*name);
  if (found == source.names.end()) {
    std::vector<std::string> known;
    for (const auto& [field, symbol] : source.names) known.push_back(field);
    ReportUnknown(of, "E0107", fmt::format("field of source '{}':", source.name), known, diagnostics_);
    return false;
  }
  const SourceDraft::FieldInfo& info = source.fields[found->second.index];
  if (found->second.type == ExprType::kUnknown) return false;
  bool number = info.type == FieldType::kInt || info.type == FieldType::kDecimal;
  if (!number && !aggregate.allows_text) {
    bool is_bool = info.type == FieldType::kBool, is_time = info.type == FieldType::kTime;
    std::string hint =
        is_bool ? fmt::format("write agg: count, where: {}", *name)
                : fmt::format("texts can be taken by {}", NamesOf([](const Aggregate& a) { return a.allows_text; }));
    diagnostics_->Add("E0303", of.span,
                      fmt::format("{} of {}: the field is a {}, not a number", aggregate.name, Quoted(*name),
                                  is_bool   ? "bool"
                                  : is_time ? "time"
                                            : "text"),
                      hint);
    return false;
  }
  measure->slot = found->second.index;
  measure->decimals = info.decimals;
  return true;
}

// The slot of a plain bool field that is never null, or of a hidden field that holds the condition; -1 after an error.
int Assembler::ReadFilter(const YamlNode& node, std::string_view what, int source) {
  SourceDraft& draft = *drafts_[source];
  std::optional<Expression> expression = Parse(node, what);
  if (!expression || draft.broken) return -1;
  const ExprNode& root = expression->nodes[expression->root];
  if (root.kind == ExprKind::kName) {
    auto found = draft.names.find(root.text);
    bool plain = found != draft.names.end() && found->second.type == ExprType::kBool &&
                 !draft.fields[found->second.index].nullable;
    if (plain) return found->second.index;
  }
  auto [condition, fresh] = draft.conditions.try_emplace(expression->source, -1);
  if (!fresh && condition->second >= 0) return condition->second;
  const size_t begin = draft.builder.position();
  Compiled compiled = CompileRecord(node, *expression, Want::kCondition, &draft);
  if (!compiled.ok) return -1;
  condition->second = AddHiddenField(node, expression->source, FieldType::kBool, begin, compiled.reg, source);
  return condition->second;
}

// A slot for what the instructions from `begin` on leave in the register; -1 after an error.
int Assembler::AddHiddenField(const YamlNode& node, const std::string& name, FieldType type, size_t begin, int reg,
                              int source) {
  SourceDraft& draft = *drafts_[source];
  if (draft.fields.size() == kMaxFields) {
    diagnostics_->Add("E0209", node.span,
                      fmt::format("source {} has {} fields and conditions already", Quoted(draft.name), kMaxFields));
    return -1;
  }
  DerivedFieldsPlan::Computed field;
  field.segment = {begin, draft.builder.position()};
  field.reg = reg;
  field.slot = static_cast<int>(draft.fields.size());
  field.type = type;
  draft.fields.push_back({name, type, 0, false});
  out_.sources[source].derived.computed.push_back(field);
  return field.slot;
}

// One feature for each aggregation and window. Names are made even of what is broken, so that expressions know them.
void Assembler::AddMeasures(const YamlNode& key, MappingReader* reader, const MeasureDraft& draft, bool broken) {
  const YamlNode* agg = reader->Take("agg");
  const YamlNode* over = reader->Take("over");
  const YamlNode* filter = reader->Take("where");
  std::vector<const YamlNode*> windows, aggregates;
  if (agg != nullptr && !agg->is_mapping() && !agg->is_blank()) aggregates = ReadList(*agg, "agg", diagnostics_);
  if (over != nullptr) windows = ReadList(*over, "over", diagnostics_);
  std::vector<int> indexes;
  for (const YamlNode* window : windows) {
    int index = FindName(*window, "E0106", "window", window_names_);
    indexes.push_back(index);
    broken = broken || index < 0 || window_broken_[index];
    if (index < 0 || window_broken_[index]) continue;
    for (const YamlNode* item : aggregates) {
      const Aggregate* aggregate = FindAggregate(item->text);
      if (aggregate != nullptr && !CheckWindow(*window, *aggregate, draft.measure, plan_.windows[index])) {
        broken = true;
        break;
      }
    }
  }
  for (const YamlNode* item : aggregates) {
    const Aggregate* aggregate = FindAggregate(item->text);
    if (aggregate != nullptr && !CheckOver(key, *aggregate, draft.measure, over, aggregates.size() > 1, reader)) {
      broken = true;
    }
    size_t count = windows.empty() ? 1 : windows.size();
    for (size_t w = 0; w < count; ++w) {
      std::string name = key.text;
      if (agg->is_sequence()) name += "_" + item->text;
      if (over != nullptr && over->is_sequence() && w < windows.size()) name += "_" + windows[w]->text;
      Symbol symbol;
      if (!broken && aggregate != nullptr) {
        symbol = AddMeasure(name, *aggregate, draft, windows.empty() ? -1 : indexes[w]);
      }
      for (auto [text_key, node] : {std::pair("where ", filter), {"part ", draft.part}, {"to ", draft.to}}) {
        if (node != nullptr) out_.texts[text_key + name] = node->text;
      }
      AddFeature(name, key.span, symbol);
    }
  }
  if (aggregates.empty()) AddFeature(key.text, key.span, {});
}

Symbol Assembler::AddMeasure(const std::string& name, const Aggregate& aggregate, const MeasureDraft& draft,
                             int window) {
  MeasurePlan measure = draft.measure;
  measure.name = name;
  measure.aggregate = aggregate.name;
  measure.window = window;
  if (!aggregate.needs_field && !aggregate.allows_field) measure.slot = -1, measure.decimals = 0;
  if (aggregate.takes(kTakesComparison)) {
    measure.slot = draft.comparison_slot;
  } else if (aggregate.takes(kTakesPart)) {
    measure.slot = draft.part_slot;
  }
  if (aggregate.shape == AggregateShape::kEvents && measure.last == 0) measure.exact = true;
  if (aggregate.shape == AggregateShape::kTally && !draft.max_items_given) measure.max_items = kDefaultPairs;
  measure.target = builder_.NewRegister();
  Symbol symbol;
  symbol.type = aggregate.is_duration ? ExprType::kDuration : ExprType::kNumber;
  symbol.reg = measure.target;
  symbol.measure = static_cast<int>(plan_.measures.size());
  symbol.recency = aggregate.name == "recency";
  symbol.moves = aggregate.name == "session_recency";
  symbol.rateable =
      measure.last == 0 && (aggregate.name == "count" || aggregate.name == "sum" || aggregate.name == "distinct");
  plan_.measures.push_back(std::move(measure));
  return symbol;
}

void Assembler::AddFeature(const std::string& name, Span where, Symbol symbol) {
  if (plan_.features.size() == kMaxFeatures) {
    diagnostics_->Add("E0209", where, fmt::format("more than {} features", kMaxFeatures));
    return;
  }
  symbol.index = static_cast<int>(plan_.features.size());
  auto [first, fresh] = defined_at_.try_emplace(name, where);
  if (!fresh) {
    diagnostics_->Add("E0111", where, fmt::format("two features are called {}", Quoted(name)),
                      "first in " + diagnostics_->LineText(first->second.begin, where.begin));
  }
  plan_.features.push_back({name, symbol.reg, false, symbol.type == ExprType::kDuration});
  features_.try_emplace(name, std::move(symbol));
}

void Assembler::CompileDerived() {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> reads;
  for (const DerivedDraft& draft : derived_) {
    names.push_back(draft.name);
    reads.push_back(NamesIn(draft.expression));
  }
  DependencyOrder order = OrderByDependency(names, reads);
  for (const std::vector<int>& cycle : order.cycles) {
    diagnostics_->Add("E0307", derived_[cycle[0]].node->span,
                      "these features need each other: " + ShowCycle(cycle, names));
  }
  Scope scope = FeatureScope();
  if (const YamlNode* scores = root_.Find("scores"); scores != nullptr && scores->is_mapping()) {
    for (const YamlNode& key : scores->keys) scope.hidden[key.text] = "is a score; features can't read scores";
  }
  plan_.derived.begin = builder_.position();
  for (int i : order.order) {
    const DerivedDraft& draft = derived_[i];
    Compiled compiled = Compile(*draft.node, draft.expression, Want::kAny, &scope);
    if (!compiled.ok) continue;
    if (compiled.type == ExprType::kText || compiled.type == ExprType::kTime) {
      const bool time = compiled.type == ExprType::kTime;
      diagnostics_->Add("E0409", draft.node->span, fmt::format("a feature can't be {}", TypeName(compiled.type)),
                        time ? "now less a time is a duration" : "a feature is a number, a duration or a condition");
      continue;
    }
    Symbol& symbol = features_[draft.name];
    if (draft.population >= 0) {
      FinishPopulation(&plan_.populations[draft.population], compiled, &plan_.features[draft.feature], &symbol);
      continue;
    }
    symbol.type = compiled.type == ExprType::kNullType ? ExprType::kNumber : compiled.type;
    symbol.reg = compiled.reg;
    symbol.deadlines = std::move(compiled.deadlines);
    symbol.moves = compiled.moves;
    symbol.clock = compiled.clock;
    FeatureName& feature = plan_.features[draft.feature];
    feature.reg = compiled.reg;
    feature.is_bool = compiled.type == ExprType::kBool;
    feature.is_duration = compiled.type == ExprType::kDuration;
  }
  plan_.derived.end = builder_.position();
}

}  // namespace ebb
