// The tables of docs/pipeline.md. A marker is a comment on a line of its own; the table follows it directly.
#include <algorithm>

#include <fmt/format.h>

#include "config/error_codes.h"
#include "config/expression_compile.h"
#include "config/language.h"
#include "engine/base/check.h"
#include "operators/aggregate/aggregate.h"
#include "operators/feature/population.h"

namespace ebb {
namespace {

constexpr std::string_view kMarker = "<!-- ";
constexpr std::string_view kMarkerEnd = " -->\n";

std::string ShapeText(const std::vector<Shape>& alternatives) {
  std::string text;
  for (const Shape& shape : alternatives) {
    if (!text.empty()) text += ", ";
    switch (shape.kind) {
      case Shape::Kind::kWord:
        text += fmt::format("`{}`", shape.text);
        break;
      case Shape::Kind::kNoun:
        text += shape.text == "reason" ? "reason code" : shape.text;
        break;
      case Shape::Kind::kInteger:
        text += fmt::format("{} to {}", shape.low, shape.high);
        break;
      case Shape::Kind::kSection:
        text += "mapping";
        break;
      case Shape::Kind::kOneOrList: {
        const std::string inner = ShapeText(shape.inner);
        text += shape.inner.size() == 1 ? inner + " or list" : "list of " + inner;
        break;
      }
      case Shape::Kind::kList:
        text += shape.inner[0].kind == Shape::Kind::kNoun ? "list of " + ShapeText(shape.inner) + "s" : "list";
        break;
      case Shape::Kind::kMap:
        text += shape.inner[0].kind == Shape::Kind::kNoun && shape.inner.size() == 1
                    ? "mapping name: " + ShapeText(shape.inner)
                    : "mapping";
        break;
    }
  }
  return text;
}

std::string KeyTable(const Section& section) {
  std::string out = "| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
  const std::vector<std::string_view> choice = SplitWords(section.one_of);
  for (const Key& key : section.keys) {
    std::string fallback(key.fallback);
    if (fallback == "required") fallback = "**required**";
    if (std::find(choice.begin(), choice.end(), key.name) != choice.end()) fallback = "one of them";
    if (key.fallback == "required" && !key.with.empty() && key.with[0] != '!') {
      fallback = "required with ";
      for (std::string_view with : SplitWords(key.with)) {
        fallback += fmt::format("{}`{}`", fallback.ends_with('`') ? ", " : "", with);
      }
    }
    const std::string name = key.name == "*" ? "any name" : fmt::format("`{}`", key.name);
    out += fmt::format("| {} | {} | {} | {} |\n", name, ShapeText(ParseShape(key.shape)), fallback, key.meaning);
  }
  return out;
}

std::string_view OverText(const Aggregate& aggregate) {
  switch (aggregate.shape) {
    case AggregateShape::kTiles:
      return "window, events";
    case AggregateShape::kItems:
    case AggregateShape::kTally:
      return "sawtooth, events";
    case AggregateShape::kPoint:
      return "none";
    case AggregateShape::kEvents:
      return "events";
    case AggregateShape::kPeriods:
      return "periods";
    case AggregateShape::kSessions:
      return "sessions";
  }
  return "";
}

std::string AggregateTable() {
  std::string out = "| Name | `of` | Over | Value |\n|---|---|---|---|\n";
  for (const Aggregate* a : Aggregates()) {
    const char* of = a->needs_field ? (a->allows_text ? "any type" : "int, decimal") : (a->allows_field ? "may" : "no");
    out += fmt::format("| `{}` | {} | {} | {} |\n", a->name, of, OverText(*a), a->meaning);
  }
  return out;
}

std::string StatisticTable() {
  std::string out = "| `stat` | Value |\n|---|---|\n";
  for (const PopulationStatistic& s : PopulationStatistics()) out += fmt::format("| `{}` | {} |\n", s.name, s.meaning);
  return out;
}

std::string FunctionTable() {
  std::string out = "| Function | Value |\n|---|---|\n";
  for (const ExpressionFunction& f : ExpressionFunctions()) out += fmt::format("| `{}` | {} |\n", f.form, f.meaning);
  return out;
}

std::string ErrorTable() {
  std::string out = "| Code | Problem |\n|---|---|\n";
  for (const ErrorCode& code : ErrorCodes()) out += fmt::format("| {} | {} |\n", code.code, code.title);
  return out;
}

// Empty when the marker isn't one of ours.
std::string TableOf(std::string_view marker) {
  if (marker == "aggregates") return AggregateTable();
  if (marker == "statistics") return StatisticTable();
  if (marker == "functions") return FunctionTable();
  if (marker == "error codes") return ErrorTable();
  if (!marker.starts_with("keys: ")) return "";
  const Section* section = FindSection(marker.substr(6));
  return section == nullptr ? "" : KeyTable(*section);
}

}  // namespace

std::string WithReferenceTables(std::string_view page) {
  std::string out;
  while (true) {
    const size_t begin = page.find(kMarker);
    const size_t end = begin == std::string_view::npos ? begin : page.find(kMarkerEnd, begin);
    if (end == std::string_view::npos) return out + std::string(page);
    const std::string table = TableOf(page.substr(begin + kMarker.size(), end - begin - kMarker.size()));
    out += page.substr(0, end + kMarkerEnd.size());
    page.remove_prefix(end + kMarkerEnd.size());
    if (table.empty()) continue;
    out += table;
    while (page.starts_with('|')) page.remove_prefix(std::min(page.find('\n'), page.size() - 1) + 1);
  }
}

}  // namespace ebb
