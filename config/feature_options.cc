// The keys of a feature that say more than what is aggregated over which window: options of single aggregates, limits
// of what is kept, conditions of shares and ratios; and which aggregates, windows and keys go together.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"

namespace ebb {
namespace {

constexpr int kMaxRank = 100;

std::string JoinNames(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

}  // namespace

std::string Assembler::NamesOf(bool (*which)(const Aggregate&)) {
  std::vector<std::string> names;
  for (const Aggregate* aggregate : Aggregates()) {
    if (which(*aggregate)) names.emplace_back(aggregate->name);
  }
  return JoinNames(names);
}

const YamlNode* Assembler::TakeOption(MappingReader* reader, std::string_view key, const AggregateList& aggregates,
                                      AggregateOption option, std::string_view required_as) {
  const YamlNode* node = reader->Take(key);
  const Aggregate* taker = FindFirst(aggregates, [&](const Aggregate* a) { return a->takes(option); });
  if (node == nullptr && taker != nullptr && !required_as.empty()) {
    diagnostics_->Add("E0308", reader->KeySpan("agg"), fmt::format("{} needs '{}:'", taker->name, key),
                      fmt::format("as in {}", required_as));
  }
  if (node != nullptr && taker == nullptr && !aggregates.empty()) {
    std::vector<std::string> names;
    for (const Aggregate* aggregate : Aggregates()) {
      if (aggregate->takes(option)) names.emplace_back(aggregate->name);
    }
    diagnostics_->Add("E0305", reader->KeySpan(key), fmt::format("'{}:' belongs to {}", key, JoinNames(names)));
  }
  return node;
}

void Assembler::ReadOptions(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft) {
  MeasurePlan& measure = draft->measure;
  const Aggregate* fading = FindFirst(aggregates, [](const Aggregate* a) { return a->takes(kTakesHalfLife); });
  if (const YamlNode* half_life = TakeOption(reader, "half_life", aggregates, kTakesHalfLife)) {
    measure.half_life = ReadDuration(*half_life, "half_life", diagnostics_).value_or(1);
    if (measure.half_life == 0) diagnostics_->Add("E0203", half_life->span, "a half-life is more than nothing");
  } else if (fading != nullptr) {
    diagnostics_->Add("E0306", reader->KeySpan("agg"), fmt::format("{} needs 'half_life:'", fading->name),
                      "as in half_life: 14d");
  }
  if (const YamlNode* gap = TakeOption(reader, "gap", aggregates, kTakesGap, "gap: 30m")) {
    measure.gap = ReadDuration(*gap, "gap", diagnostics_).value_or(1);
    if (measure.gap == 0) diagnostics_->Add("E0203", gap->span, "a gap is more than nothing");
  }
  ReadConditions(reader, aggregates, draft);
  ReadShape(reader, aggregates, draft);
  ReadLimits(reader, aggregates, draft);
}

// `part:` and `to:`.
void Assembler::ReadConditions(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft) {
  draft->part = TakeOption(reader, "part", aggregates, kTakesPart, "part: dropped");
  draft->to = TakeOption(reader, "to", aggregates, kTakesComparison, "to: \"not dropped\"");
  const int source = draft->measure.source;
  if (source < 0 || draft->part == nullptr) return;
  if (FindFirst(aggregates, [](const Aggregate* a) { return a->takes(kTakesPart) && !a->takes(kTakesComparison); })) {
    draft->part_slot = ReadFilter(*draft->part, "part", source);
  }
  if (draft->to == nullptr ||
      FindFirst(aggregates, [](const Aggregate* a) { return a->takes(kTakesComparison); }) == nullptr) {
    return;
  }
  std::optional<Expression> part = Parse(*draft->part, "part"), to = Parse(*draft->to, "to");
  SourceDraft& fields = *drafts_[source];
  if (!part || !to || fields.broken) return;
  const size_t begin = fields.builder.position();
  Compiled first = CompileRecord(*draft->part, *part, Want::kCondition, &fields);
  Compiled second = CompileRecord(*draft->to, *to, Want::kCondition, &fields);
  if (!first.ok || !second.ok) return;
  ProgramBuilder& b = fields.builder;
  const int none = b.Constant(0);
  const int bits = b.Emit(Op::kAdd, b.Emit(Op::kIf, first.reg, b.Constant(1), none),
                          b.Emit(Op::kIf, second.reg, b.Constant(2), none));
  draft->comparison_slot =
      AddHiddenField(*draft->to, part->source + " : " + to->source, FieldType::kInt, begin, bits, source);
}

// What shapes a value and no state.
void Assembler::ReadShape(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft) {
  AggregateOptions& options = draft->measure.options;
  auto refuse = [&](const YamlNode& node, std::string_view key, std::string_view range) {
    diagnostics_->Add("E0203", node.span, fmt::format("{} is out of range for '{}:'", ShownText(node), key),
                      std::string(range));
  };
  if (const YamlNode* q = TakeOption(reader, "q", aggregates, kTakesQuantile, "q: 0.9")) {
    const double value = ReadNumber(*q, "q", diagnostics_).value_or(0.5);
    options.quantile = static_cast<int64_t>(value * kQuantileUnit + 0.5);
    if (!(value > 0) || value > 1 || options.quantile == 0) refuse(*q, "q", "more than 0, at most 1");
  }
  if (const YamlNode* rank = TakeOption(reader, "rank", aggregates, kTakesRank)) {
    options.rank = static_cast<int>(ReadInteger(*rank, "rank", 1, kMaxRank, diagnostics_).value_or(1));
  }
  if (const YamlNode* alpha = TakeOption(reader, "alpha", aggregates, kTakesAlpha)) {
    options.alpha = ReadNumber(*alpha, "alpha", diagnostics_).value_or(1);
    if (!(options.alpha > 0) || options.alpha > 1) refuse(*alpha, "alpha", "more than 0, at most 1");
  }
  if (const YamlNode* spread = TakeOption(reader, "min_spread", aggregates, kTakesSpread)) {
    options.min_spread = ReadNumber(*spread, "min_spread", diagnostics_).value_or(0);
    if (options.min_spread < 0) refuse(*spread, "min_spread", "0 or more");
  }
  if (const YamlNode* robust = TakeOption(reader, "robust", aggregates, kTakesLatest)) {
    options.robust = ReadBool(*robust, "robust", diagnostics_).value_or(false);
  }
  if (const YamlNode* latest = TakeOption(reader, "latest", aggregates, kTakesLatest)) {
    constexpr std::string_view kLatest[] = {"open", "closed"};
    options.latest_closed = ReadWord(*latest, "latest", kLatest, diagnostics_) == 1;
  }
  if (const YamlNode* slack = TakeOption(reader, "slack", aggregates, kTakesDrift)) {
    options.slack = ReadNumber(*slack, "slack", diagnostics_).value_or(0);
    if (options.slack < 0) refuse(*slack, "slack", "0 or more");
  }
  if (const YamlNode* direction = TakeOption(reader, "direction", aggregates, kTakesDrift)) {
    constexpr std::string_view kDirection[] = {"down", "up"};
    options.upward = ReadWord(*direction, "direction", kDirection, diagnostics_) == 1;
  }
}

// What is kept.
void Assembler::ReadLimits(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft) {
  MeasurePlan& measure = draft->measure;
  auto limit = [&](const YamlNode& node, std::string_view key) {
    return static_cast<int>(ReadInteger(node, key, 1, kMaxKept, diagnostics_).value_or(1));
  };
  auto misplaced = [&](std::string_view key, std::string_view belongs) {
    diagnostics_->Add("E0305", reader->KeySpan(key), fmt::format("'{}:' belongs to {}", key, belongs));
  };
  const Aggregate* not_over_events = FindFirst(aggregates, [](const Aggregate* a) { return !a->over_events(); });
  if (const YamlNode* exact = reader->Take("exact")) {
    measure.exact = ReadBool(*exact, "exact", diagnostics_).value_or(false);
    if (measure.exact && not_over_events != nullptr) {
      diagnostics_->Add("E0305", reader->KeySpan("exact"),
                        fmt::format("{} can't be exact per event", not_over_events->name), "leave 'exact:' away");
    }
  }
  if (const YamlNode* last = reader->Take("last")) {
    measure.last = limit(*last, "last");
    if (not_over_events != nullptr) {
      diagnostics_->Add("E0305", reader->KeySpan("last"),
                        fmt::format("{} can't be taken over the last events", not_over_events->name),
                        "leave 'last:' away");
    } else if (measure.exact) {
      diagnostics_->Add("E0113", reader->KeySpan("exact"), "'exact:' doesn't go with 'last:'",
                        "the last events are exact anyway");
    }
  }
  if (const YamlNode* max_events = reader->Take("max_events")) {
    measure.max_events = limit(*max_events, "max_events");
    bool events = FindFirst(aggregates, [](const Aggregate* a) { return a->shape == AggregateShape::kEvents; });
    if (measure.last > 0 || (!measure.exact && !events)) misplaced("max_events", "exact: true");
  }
  if (const YamlNode* max_items = reader->Take("max_items")) {
    measure.max_items = limit(*max_items, "max_items");
    draft->max_items_given = true;
    auto counts_items = [](const Aggregate& a) {
      return a.shape == AggregateShape::kItems || a.shape == AggregateShape::kTally;
    };
    if (!aggregates.empty() && !FindFirst(aggregates, [&](const Aggregate* a) { return counts_items(*a); })) {
      misplaced("max_items", NamesOf(counts_items));
    }
  }
  if (const YamlNode* sessions = TakeOption(reader, "max_sessions", aggregates, kTakesGap)) {
    measure.max_sessions = limit(*sessions, "max_sessions");
  }
}

// Whether an aggregate can be taken over a window of this kind.
bool Assembler::CheckWindow(const YamlNode& node, const Aggregate& aggregate, const MeasurePlan& measure,
                            const WindowPlan& window) {
  auto refuse = [&](std::string_view code, std::string message, std::string hint) {
    diagnostics_->Add(code, node.span, std::move(message), std::move(hint));
    return false;
  };
  const bool periods = aggregate.shape == AggregateShape::kPeriods;
  if (periods && !window.closed) {
    return refuse("E0309",
                  fmt::format("{} needs closed periods, and window {} has none", aggregate.name, Quoted(window.name)),
                  "give the window a hop, as in {length: 8w, hop: 1w}");
  }
  if (window.closed && measure.exact) {
    return refuse("E0305", "a window with a hop can't be exact per event", "leave 'exact:' away");
  }
  if (window.closed && !periods && aggregate.shape != AggregateShape::kTiles && aggregate.windowed()) {
    return refuse("E0309", fmt::format("{} isn't kept by closed periods", aggregate.name),
                  "take a window without 'hop:'");
  }
  if (window.length == 0 && measure.exact) {
    return refuse("E0305", "an exact window needs a finite length", "leave 'exact:' away");
  }
  if (window.length == 0 && aggregate.shape == AggregateShape::kEvents) {
    return refuse("E0304", fmt::format("{} keeps the events, so its window must have an end", aggregate.name),
                  "take a window of finite length, or last: 50");
  }
  if (window.length == 0 && aggregate.shape == AggregateShape::kSessions) {
    return refuse("E0304", fmt::format("{} keeps the sessions, so its window must have an end", aggregate.name),
                  "take a window of finite length");
  }
  return true;
}

// Whether the aggregate and `over:`, `last:` go together.
bool Assembler::CheckOver(const YamlNode& key, const Aggregate& aggregate, const MeasurePlan& measure,
                          const YamlNode* over, bool several, MappingReader* reader) {
  if (over != nullptr && measure.last > 0 && aggregate.over_events()) {
    diagnostics_->Add("E0113", reader->KeySpan("last"), "'last:' stands in place of 'over:'", "keep one of them");
    return false;
  }
  if (aggregate.windowed() && over == nullptr && measure.last == 0) {
    diagnostics_->Add("E0304", key.span, fmt::format("{} needs a window: add 'over:'", aggregate.name), "",
                      {KnownNames(window_names_)});
    return false;
  }
  if (!aggregate.windowed() && over != nullptr) {
    diagnostics_->Add("E0304", reader->KeySpan("over"), fmt::format("{} has no window", aggregate.name),
                      several ? "make it a feature of its own" : "leave 'over:' away");
    return false;
  }
  return true;
}

}  // namespace ebb
