// Reading of YAML nodes as the values that the pipeline language knows: mappings with known keys, lists, names, words,
// durations, numbers. Whatever has another form is reported where it stands, and the reader returns nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "engine/stream/time.h"

namespace ebb {

// One mapping whose keys are asked for one by one; Finish() reports those that nobody asked for.
//
//   MappingReader reader(node, key_span, "window 'week'", diagnostics);
//   const YamlNode* length = reader.Require("length");
//   const YamlNode* tile = reader.Take("tile");
//   reader.Finish();
//
// Confined to its task's thread.
class MappingReader {
 public:
  // Reports a node that is no mapping. `where` is where missing keys are reported; `what` names the mapping to people.
  // `node` outlives this.
  MappingReader(const YamlNode& node, Span where, std::string what, Diagnostics* diagnostics);

  bool ok() const { return node_ != nullptr; }
  // The value of the key, or null. Asking makes the key known.
  const YamlNode* Take(std::string_view key);
  // As Take, and reports a missing key.
  const YamlNode* Require(std::string_view key);
  // Where the key stands; the mapping's own place when it isn't there.
  Span KeySpan(std::string_view key) const;
  // Reports all keys that weren't asked for, each with the nearest known one.
  void Finish();
  // Reports that none, or more than one, of these keys is there. Returns the one that is.
  std::optional<std::string> ExactlyOne(std::span<const std::string_view> keys);
  const std::string& what() const { return what_; }

 private:
  const YamlNode* node_ = nullptr;
  Span where_;
  std::string what_;
  Diagnostics* diagnostics_;
  std::vector<std::string> known_;
};

// The text of a single value; reports lists, mappings and keys with nothing behind them. `what` is the key's name. A
// value whose ${...} could not be resolved gives nothing, silently.
std::optional<std::string> ReadText(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
// A name: a letter, then letters, digits and underscores, at most 64 characters, no word of the expression language.
std::optional<std::string> ReadName(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
// The index of one of a few words.
std::optional<size_t> ReadWord(const YamlNode& node, std::string_view what, std::span<const std::string_view> words,
                               Diagnostics* diagnostics);
// In milliseconds.
std::optional<DurationMs> ReadDuration(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
// Finite.
std::optional<double> ReadNumber(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
// A whole number in [low, high].
std::optional<int64_t> ReadInteger(const YamlNode& node, std::string_view what, int64_t low, int64_t high,
                                   Diagnostics* diagnostics);
// "2%" as 0.02.
std::optional<double> ReadPercent(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
std::optional<bool> ReadBool(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);
// The items of a list; a single value is a list of one.
std::vector<const YamlNode*> ReadList(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);

// A name that isn't among `known`: reports "unknown KIND 'name'" with the nearest known one.
void ReportUnknown(const YamlNode& node, std::string_view code, std::string_view kind,
                   std::span<const std::string> known, Diagnostics* diagnostics);
// The node's text for a message; never the content of a secret file.
std::string ShownText(const YamlNode& node);
// A whole text as a double, without leading or trailing characters; empty when it isn't a finite number.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace ebb
