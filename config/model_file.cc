// From the tree of a model file to the terms of a score.
#include "config/model_file.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "config/reader.h"

namespace ebb {
namespace {

constexpr std::string_view kFormats[] = {"ebb-model-1"};
constexpr std::string_view kLinks[] = {"logistic", "none"};
constexpr std::string_view kMethods[] = {"platt", "isotonic"};
constexpr size_t kMaxTerms = 4096;
constexpr size_t kMaxBins = 10000;
constexpr size_t kMaxIdBytes = 64;

std::vector<double> ReadNumbers(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::vector<double> numbers;
  if (!node.is_sequence()) {
    diagnostics->Add("E0103", node.span, fmt::format("'{}' takes a list of numbers", what));
    return numbers;
  }
  if (node.values.size() > kMaxBins) {
    diagnostics->Add("E0209", node.span, fmt::format("'{}' has more than {} numbers", what, kMaxBins));
    return numbers;
  }
  for (const YamlNode& item : node.values) numbers.push_back(ReadNumber(item, what, diagnostics).value_or(kNull));
  return numbers;
}

// The first place at which the numbers don't ascend, or the size. Equal neighbours are allowed when `steps` is false.
size_t FirstDescent(const std::vector<double>& numbers, bool steps) {
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] < numbers[i - 1] || (steps && numbers[i] == numbers[i - 1])) return i;
  }
  return numbers.size();
}

// Whether every number could be read.
bool AllKnown(const std::vector<double>& numbers) {
  return std::none_of(numbers.begin(), numbers.end(), [](double n) { return IsNull(n); });
}

void ReadBins(const YamlNode& node, Span where, Diagnostics* diagnostics, TermPlan* term) {
  MappingReader reader(node, where, "'bins'", diagnostics);
  const YamlNode* edges = reader.Require("edges");
  const YamlNode* values = reader.Require("values");
  reader.Finish();
  if (edges == nullptr || values == nullptr) return;
  term->edges = ReadNumbers(*edges, "edges", diagnostics);
  term->values = ReadNumbers(*values, "values", diagnostics);
  if (!edges->is_sequence() || !values->is_sequence()) return;
  if (!AllKnown(term->edges) || !AllKnown(term->values)) return;
  if (const size_t at = FirstDescent(term->edges, true); at < term->edges.size()) {
    diagnostics->Add("E0603", edges->values[at].span,
                     fmt::format("edge {} doesn't lie above the one before, {}", term->edges[at], term->edges[at - 1]),
                     "edges ascend");
  }
  if (term->values.size() != term->edges.size() + 1) {
    diagnostics->Add("E0603", values->span,
                     fmt::format("{} edges make {} bins, but there are {} values", term->edges.size(),
                                 term->edges.size() + 1, term->values.size()),
                     "the first bin lies below the first edge, the last from the last edge on");
  }
}

// The register of a number, or of the feature that the model names.
int ReadModelBaseline(const YamlNode& node, const ModelScope& scope, const TermPlan& term, Diagnostics* diagnostics) {
  if (!node.is_scalar() || node.style == YamlNode::Style::kPlain) {
    const std::optional<double> number = ReadNumber(node, "baseline", diagnostics);
    return number ? scope.builder->Constant(*number * term.unit) : -1;
  }
  auto found = scope.names->find(node.text);
  if (found == scope.names->end() || found->second.index < 0) {
    std::vector<std::string> known;
    for (const FeatureName& feature : *scope.features) known.push_back(feature.name);
    ReportUnknown(node, "E0109", "feature", known, diagnostics);
    return -1;
  }
  if (term.feature >= 0 && (*scope.features)[found->second.index].is_duration != (term.unit != 1)) {
    diagnostics->Add("E0602", node.span, "a baseline is a number or a duration as its feature is");
  }
  return found->second.reg;
}

bool ReadTermFeature(const YamlNode& node, const ModelScope& scope, Diagnostics* diagnostics, TermPlan* term) {
  const std::optional<std::string> name = ReadText(node, "feature", diagnostics);
  if (!name) return false;
  auto found = scope.names->find(*name);
  const bool number =
      found != scope.names->end() && found->second.type != ExprType::kText && found->second.type != ExprType::kTime;
  if (!number) {
    std::vector<std::string> known;
    for (const auto& [other, symbol] : *scope.names) known.push_back(other);
    ReportUnknown(node, "E0109", "feature", known, diagnostics);
    return false;
  }
  const Symbol& symbol = found->second;
  term->value = symbol.reg;
  term->feature = symbol.index;
  if (symbol.type == ExprType::kDuration) term->unit = kSecond;
  return symbol.reg >= 0;
}

void ReadTerm(const YamlNode& node, const ModelScope& scope, Diagnostics* diagnostics, ScorePlan* score) {
  MappingReader reader(node, node.span, "this term", diagnostics);
  if (!reader.ok()) return;
  TermPlan term;
  const YamlNode* feature = reader.Require("feature");
  const bool known = feature != nullptr && ReadTermFeature(*feature, scope, diagnostics, &term);
  constexpr std::string_view kForms[] = {"weight", "bins"};
  const std::optional<std::string> form = reader.ExactlyOne(kForms);
  const auto number = [&](std::string_view key, double* out) {
    const YamlNode* value = reader.Take(key);
    if (value != nullptr) *out = ReadNumber(*value, key, diagnostics).value_or(*out);
    return value;
  };
  const YamlNode* scale = nullptr;
  if (form == "weight") {
    number("weight", &term.weight);
    number("mean", &term.mean);
    scale = number("scale", &term.scale);
    number("missing", &term.missing);
  } else if (form == "bins") {
    ReadBins(*reader.Take("bins"), reader.KeySpan("bins"), diagnostics, &term);
    if (reader.Require("missing") != nullptr) number("missing", &term.missing);
  }
  if (scale != nullptr && term.scale == 0) diagnostics->Add("E0203", scale->span, "a scale of 0 would divide by zero");
  if (const YamlNode* reason = reader.Take("reason")) term.reason = ReadReasonCode(*reason, diagnostics);
  const YamlNode* baseline = reader.Take("baseline");
  if (baseline != nullptr && known) term.baseline = ReadModelBaseline(*baseline, scope, term, diagnostics);
  reader.Finish();
  if (known) score->terms.push_back(std::move(term));
}

void ReadId(const YamlNode* node, std::string_view what, Diagnostics* diagnostics, std::string* out) {
  if (node == nullptr) return;
  const std::optional<std::string> text = ReadText(*node, what, diagnostics);
  if (!text) return;
  const bool good = text->size() <= kMaxIdBytes && std::all_of(text->begin(), text->end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                             c == '_' || c == '-';
                    });
  if (!good) {
    diagnostics->Add("E0110", node->span, fmt::format("{} can't be the {} of a model", ShownText(*node), what),
                     "letters, digits, '.', '_' and '-', at most 64");
  }
  *out = *text;
}

// A table of an isotonic calibration: as many x as y, x ascending, y probabilities that never fall.
void CheckTable(const YamlNode& xs, const YamlNode& ys, const CalibrationPlan& calibration, Diagnostics* diagnostics) {
  const std::vector<double>&x = calibration.x, &y = calibration.y;
  if (!AllKnown(x) || !AllKnown(y)) return;
  if (x.empty() || x.size() != y.size()) {
    diagnostics->Add("E0604", ys.span, fmt::format("there are {} x and {} y", x.size(), y.size()),
                     "each x has its y, and there is one at least");
    return;
  }
  if (const size_t at = FirstDescent(x, true); at < x.size()) {
    diagnostics->Add("E0604", xs.values[at].span, fmt::format("x {} doesn't lie above {}", x[at], x[at - 1]),
                     "x ascends");
  }
  if (const size_t at = FirstDescent(y, false); at < y.size()) {
    diagnostics->Add("E0604", ys.values[at].span, fmt::format("y {} lies below {}", y[at], y[at - 1]), "y never falls");
  }
  for (size_t i = 0; i < y.size(); ++i) {
    if (y[i] >= 0 && y[i] <= 1) continue;
    diagnostics->Add("E0604", ys.values[i].span, fmt::format("{} is no probability", y[i]), "from 0 to 1");
  }
}

}  // namespace

std::string ReadReasonCode(const YamlNode& node, Diagnostics* diagnostics) {
  std::optional<std::string> reason = ReadText(node, "reason", diagnostics);
  if (!reason) return "";
  constexpr size_t kMaxReasonBytes = 64;
  bool good = !node.secret && !reason->empty() && reason->size() <= kMaxReasonBytes &&
              std::all_of(reason->begin(), reason->end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  if (good) return *reason;
  std::string upper;
  for (char c : *reason)
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : (c >= 'A' && c <= 'Z' ? c : '_');
  bool fits = !node.secret && !upper.empty() && upper.size() <= kMaxReasonBytes;
  diagnostics->Add("E0206", node.span, fmt::format("{} can't be a reason code", ShownText(node)),
                   fits ? fmt::format("write {}", upper) : "capital letters and underscores, at most 64");
  return "";
}

void ReadCalibration(const YamlNode& node, Span where, Diagnostics* diagnostics, CalibrationPlan* calibration) {
  MappingReader reader(node, where, "'calibration'", diagnostics);
  const YamlNode* method = reader.Require("method");
  const std::optional<size_t> which =
      method != nullptr ? ReadWord(*method, "method", kMethods, diagnostics) : std::nullopt;
  const YamlNode* numbers[2] = {reader.Take("a"), reader.Take("b")};
  const YamlNode* lists[2] = {reader.Take("x"), reader.Take("y")};
  reader.Finish();
  constexpr std::string_view kKeys[2][2] = {{"a", "b"}, {"x", "y"}};
  for (size_t m = 0; which && m < 2; ++m) {
    for (size_t i = 0; i < 2; ++i) {
      const bool there = (m == 0 ? numbers : lists)[i] != nullptr;
      if (there && m != *which) {
        diagnostics->Add("E0113", reader.KeySpan(kKeys[m][i]),
                         fmt::format("'{}' belongs to the method {}", kKeys[m][i], kMethods[m]));
      } else if (!there && m == *which) {
        reader.Require(kKeys[m][i]);
      }
    }
  }
  if (which) calibration->kind = static_cast<CalibrationPlan::Kind>(*which + 1);
  if (numbers[0] != nullptr) calibration->a = ReadNumber(*numbers[0], "a", diagnostics).value_or(0);
  if (numbers[1] != nullptr) calibration->b = ReadNumber(*numbers[1], "b", diagnostics).value_or(0);
  if (lists[0] != nullptr) calibration->x = ReadNumbers(*lists[0], "x", diagnostics);
  if (lists[1] != nullptr) calibration->y = ReadNumbers(*lists[1], "y", diagnostics);
  if (lists[0] == nullptr || lists[1] == nullptr || which != size_t{1}) return;
  if (!lists[0]->is_sequence() || !lists[1]->is_sequence()) return;
  CheckTable(*lists[0], *lists[1], *calibration, diagnostics);
}

std::vector<std::string> NamesInModel(const YamlNode& root) {
  std::vector<std::string> names;
  const YamlNode* terms = root.is_mapping() ? root.Find("terms") : nullptr;
  if (terms == nullptr) return names;
  for (const YamlNode& term : terms->values) {
    const YamlNode* feature = term.is_mapping() ? term.Find("feature") : nullptr;
    if (feature != nullptr && feature->is_scalar()) names.push_back(feature->text);
  }
  return names;
}

void ReadModel(const YamlNode& root, const ModelScope& scope, Diagnostics* diagnostics, ScorePlan* score) {
  MappingReader reader(root, root.span, "the model", diagnostics);
  if (!reader.ok()) return;
  if (const YamlNode* format = reader.Require("format")) ReadWord(*format, "format", kFormats, diagnostics);
  ReadId(reader.Require("id"), "id", diagnostics, &score->model_id);
  ReadId(reader.Require("version"), "version", diagnostics, &score->model_version);
  const YamlNode* link = reader.Take("link");
  if (link != nullptr) score->logistic = ReadWord(*link, "link", kLinks, diagnostics).value_or(0) == 0;
  if (const YamlNode* intercept = reader.Require("intercept")) {
    score->intercept = ReadNumber(*intercept, "intercept", diagnostics).value_or(0);
  }
  if (const YamlNode* terms = reader.Require("terms")) {
    if (!terms->is_sequence() || terms->values.empty()) {
      diagnostics->Add("E0103", terms->span, "'terms' takes a list with at least one term");
    } else if (terms->values.size() > kMaxTerms) {
      diagnostics->Add("E0209", terms->span, fmt::format("more than {} terms", kMaxTerms));
    } else {
      for (const YamlNode& term : terms->values) ReadTerm(term, scope, diagnostics, score);
    }
  }
  if (const YamlNode* calibration = reader.Take("calibration")) {
    ReadCalibration(*calibration, reader.KeySpan("calibration"), diagnostics, &score->calibration);
    if (link != nullptr && !score->logistic) {
      diagnostics->Add("E0113", link->span, "a calibration gives probabilities, so the link is logistic",
                       "leave 'link' away");
    }
  }
  reader.Finish();
}

}  // namespace ebb
