// A YAML document as a tree in which every node, every key and every character of a value knows its place in the file.
// Only the part of YAML that people write by hand: one document, no anchors, no tags, no multi-line quotes. What is
// refused is reported with its position; nothing of it reaches the tree.
//
//   Diagnostics diagnostics(path, text);
//   std::optional<YamlNode> root = ParseYaml(text, &diagnostics);   // empty when the text isn't YAML
//   const YamlNode* name = root->Find("pipeline");
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace ebb {

// A node and all below it. Immutable after construction.
struct YamlNode {
  enum class Kind : uint8_t { kScalar, kSequence, kMapping };
  enum class Style : uint8_t { kPlain, kSingleQuoted, kDoubleQuoted, kBlock };

  Kind kind = Kind::kScalar;
  Style style = Style::kPlain;   // scalars
  Span span;                     // quotes and brackets included
  std::string text;              // scalars: the value
  std::vector<Position> places;  // scalars: where each byte of `text` stands, and where it ends; text.size() + 1
  bool secret = false;           // scalars: a part of `text` comes from a secret file and must not be shown
  bool unknown = false;          // scalars: a ${...} in it could not be resolved, which is reported already
  std::vector<YamlNode> keys;    // mappings: scalars, in the order of the file
  std::vector<YamlNode> values;  // mappings: the value of each key; sequences: the items

  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }
  // Nothing stands behind the key.
  bool is_blank() const { return is_scalar() && style == Style::kPlain && text.empty() && !unknown; }
  // The value of a key, or null. Only for mappings.
  const YamlNode* Find(std::string_view key) const;
  // The place of the bytes [begin, end) of `text`, which may be its end. In a block it is the block's beginning.
  Span PartOf(size_t begin, size_t end) const;
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr int kMaxYamlDepth = 64;

// Reports everything that is refused. The tree is returned when all of it is known, also beside reported errors such as
// duplicate keys (the first of them is kept).
// The text is that of the file `file` of the diagnostics.
std::optional<YamlNode> ParseYaml(const std::string& text, Diagnostics* diagnostics, int file = 0);

// The byte at which `text` stops being valid UTF-8 without control characters (tab and line ends are allowed), or npos.
size_t FindBadCharacter(std::string_view text);

}  // namespace ebb
