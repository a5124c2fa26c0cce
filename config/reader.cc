// Readers of single values and of mappings.
#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "config/expression.h"

namespace ebb {
namespace {

constexpr size_t kMaxNameBytes = 64;

std::string_view KindName(const YamlNode& node) {
  if (node.is_mapping()) return "a mapping";
  if (node.is_sequence()) return "a list";
  return node.is_blank() ? "nothing" : "a single value";
}

bool IsNameForm(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || name.size() > kMaxNameBytes || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

MappingReader::MappingReader(const YamlNode& node, Span where, std::string what, Diagnostics* diagnostics)
    : where_(where), what_(std::move(what)), diagnostics_(diagnostics) {
  if (node.is_mapping()) {
    node_ = &node;
    return;
  }
  bool blank = node.is_blank();
  diagnostics->Add("E0103", blank ? where : node.span,
                   fmt::format("{} must be a mapping {{key: value}}, but it is {}", what_, KindName(node)));
}

const YamlNode* MappingReader::Take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return node_ == nullptr ? nullptr : node_->Find(key);
}

const YamlNode* MappingReader::Require(std::string_view key) {
  const YamlNode* value = Take(key);
  if (value == nullptr && node_ != nullptr) {
    diagnostics_->Add("E0102", where_, fmt::format("{} needs '{}:'", what_, key));
  }
  return value;
}

Span MappingReader::KeySpan(std::string_view key) const {
  if (node_ == nullptr) return where_;
  for (const YamlNode& candidate : node_->keys) {
    if (candidate.text == key) return candidate.span;
  }
  return where_;
}

void MappingReader::Finish() {
  if (node_ == nullptr) return;
  for (const YamlNode& key : node_->keys) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    diagnostics_->Add("E0101", key.span, fmt::format("unknown key {} in {}", Quoted(key.text), what_),
                      DidYouMean(key.text, known_), {KnownNames(known_)});
  }
}

std::optional<std::string> MappingReader::ExactlyOne(std::span<const std::string_view> keys) {
  std::optional<std::string> found;
  for (std::string_view key : keys) {
    if (Take(key) == nullptr) continue;
    if (found) {
      diagnostics_->Add("E0113", KeySpan(key), fmt::format("{} has both '{}:' and '{}:'", what_, *found, key),
                        "keep one of them");
      return std::nullopt;
    }
    found = std::string(key);
  }
  if (found || node_ == nullptr) return found;
  std::string choice;
  for (size_t i = 0; i < keys.size(); ++i) {
    choice += fmt::format("{}'{}:'", i == 0 ? "" : (i + 1 == keys.size() ? " or " : ", "), keys[i]);
  }
  diagnostics_->Add("E0102", where_, fmt::format("{} needs {}", what_, choice));
  return std::nullopt;
}

std::optional<std::string> ReadText(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  if (node.unknown) return std::nullopt;
  if (node.is_scalar() && !node.is_blank()) return node.text;
  diagnostics->Add("E0103", node.span,
                   node.is_blank() ? fmt::format("'{}:' has no value", what)
                                   : fmt::format("'{}:' takes a single value, but this is {}", what, KindName(node)));
  return std::nullopt;
}

std::optional<std::string> ReadName(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::optional<std::string> name = ReadText(node, what, diagnostics);
  if (!name) return std::nullopt;
  if (!node.secret && IsNameForm(*name) && !IsReservedWord(*name)) return name;
  if (!node.secret && IsReservedWord(*name)) {
    diagnostics->Add("E0110", node.span, fmt::format("{} is a word of the expression language", Quoted(*name)),
                     "choose another name");
    return std::nullopt;
  }
  diagnostics->Add("E0110", node.span, fmt::format("{} can't be a name", ShownText(node)),
                   "a letter, then letters, digits and _, at most 64");
  return std::nullopt;
}

std::optional<size_t> ReadWord(const YamlNode& node, std::string_view what, std::span<const std::string_view> words,
                               Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  for (size_t i = 0; i < words.size(); ++i) {
    if (*text == words[i]) return i;
  }
  ReportUnknown(node, "E0112", fmt::format("word for '{}:':", what),
                std::vector<std::string>(words.begin(), words.end()), diagnostics);
  return std::nullopt;
}

std::optional<DurationMs> ReadDuration(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  if (std::optional<DurationMs> duration = ParseDuration(*text)) return duration;
  std::string hint = "a number with ms, s, m, h, d or w, as in 7d";
  if (!node.secret && ParseNumber(*text)) hint = fmt::format("the unit is missing; write {}d?", *text);
  diagnostics->Add("E0201", node.span, fmt::format("{} isn't a duration", ShownText(node)), hint);
  return std::nullopt;
}

std::optional<double> ReadNumber(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  std::optional<double> number = ParseNumber(*text);
  if (!number) diagnostics->Add("E0202", node.span, fmt::format("{} isn't a number", ShownText(node)));
  return number;
}

std::optional<int64_t> ReadInteger(const YamlNode& node, std::string_view what, int64_t low, int64_t high,
                                   Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  int64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (end != text->data() + text->size() || error == std::errc::invalid_argument) {
    diagnostics->Add("E0202", node.span, fmt::format("{} isn't a whole number", ShownText(node)));
    return std::nullopt;
  }
  if (error == std::errc() && value >= low && value <= high) return value;
  diagnostics->Add("E0203", node.span, fmt::format("{} is out of range for '{}:'", ShownText(node), what),
                   fmt::format("from {} to {}", low, high));
  return std::nullopt;
}

std::optional<double> ReadPercent(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  bool sign = !text->empty() && text->back() == '%';
  std::string_view digits = std::string_view(*text).substr(0, text->size() - (sign ? 1 : 0));
  size_t dot = std::min(digits.find('.'), digits.size());
  bool form = IsDigits(digits.substr(0, dot)) && (dot == digits.size() || IsDigits(digits.substr(dot + 1)));
  std::optional<double> number = form ? ParseNumber(std::string(digits) + "e-2") : std::nullopt;
  if (sign && number) return number;
  std::string hint = "a number with a percent sign, as in 5%";
  if (number && !node.secret) {
    double value = *number * 100;
    hint = fmt::format("write {}%", value > 0 && value <= 0.5 ? fmt::format("{:g}", value * 100) : std::string(digits));
  }
  diagnostics->Add("E0204", node.span, fmt::format("{} isn't a percentage", ShownText(node)), hint);
  return std::nullopt;
}

std::optional<bool> ReadBool(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::optional<std::string> text = ReadText(node, what, diagnostics);
  if (!text) return std::nullopt;
  if (*text == "true" || *text == "false") return *text == "true";
  diagnostics->Add("E0205", node.span, fmt::format("'{}:' takes true or false, not {}", what, ShownText(node)),
                   "write true or false");
  return std::nullopt;
}

std::vector<const YamlNode*> ReadList(const YamlNode& node, std::string_view what, Diagnostics* diagnostics) {
  std::vector<const YamlNode*> items;
  if (node.is_scalar() && !node.is_blank()) {
    items.push_back(&node);
  } else if (node.is_sequence()) {
    for (const YamlNode& item : node.values) items.push_back(&item);
  } else {
    diagnostics->Add("E0103", node.span,
                     fmt::format("'{}:' takes a list [a, b], but this is {}", what, KindName(node)));
  }
  return items;
}

void ReportUnknown(const YamlNode& node, std::string_view code, std::string_view kind,
                   std::span<const std::string> known, Diagnostics* diagnostics) {
  diagnostics->Add(code, node.span, fmt::format("unknown {} {}", kind, ShownText(node)),
                   node.secret ? "" : DidYouMean(node.text, known), {KnownNames(known)});
}

std::string ShownText(const YamlNode& node) { return node.secret ? "the text of ${file:...}" : Quoted(node.text); }

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool good = error == std::errc() && end == text.data() + text.size() && !text.empty();
  if (!good || !(std::fabs(value) <= std::numeric_limits<double>::max())) return std::nullopt;
  return value;
}

}  // namespace ebb
