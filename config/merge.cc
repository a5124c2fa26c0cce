// Laying over and joining, with the table of the language as the guide to what a mapping is.
#include "config/merge.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/language.h"

namespace ebb {
namespace {

using Path = std::vector<std::string>;

bool IsNull(const YamlNode& node) {
  return node.is_scalar() && node.style == YamlNode::Style::kPlain && node.text == "null";
}

size_t IndexOf(const YamlNode& mapping, std::string_view key) {
  size_t i = 0;
  while (i < mapping.keys.size() && mapping.keys[i].text != key) ++i;
  return i;
}

void EraseAt(size_t i, YamlNode* mapping) {
  mapping->keys.erase(mapping->keys.begin() + static_cast<long>(i));
  mapping->values.erase(mapping->values.begin() + static_cast<long>(i));
}

// The section that a mapping of one of these shapes is, or null.
const Section* SectionOf(const std::vector<Shape>& shapes) {
  for (const Shape& shape : shapes) {
    if (shape.kind == Shape::Kind::kSection) return FindSection(shape.text);
  }
  return nullptr;
}

// The shapes of the value of a key.
std::vector<Shape> ShapesBehind(const std::vector<Shape>& shapes, std::string_view key) {
  if (const Section* section = SectionOf(shapes)) {
    for (const Key& known : section->keys) {
      if (known.name == key) return ParseShape(known.shape);
    }
  }
  for (const Shape& shape : shapes) {
    if (shape.kind == Shape::Kind::kMap) return shape.inner;
  }
  return {};
}

// Whether `over` says something that rules the key out. `with` is what the key goes with, as the table has it.
bool RuledOut(const Key& key, std::string_view one_of, const YamlNode& over) {
  const auto says = [&](std::string_view name) {
    const YamlNode* value = over.Find(name);
    return value != nullptr && !IsNull(*value);
  };
  if (says(key.name)) return false;
  if (key.with.starts_with('!')) return says(key.with.substr(1));
  const std::vector<std::string_view> choices = SplitWords(one_of);
  const std::vector<std::string_view> with = SplitWords(key.with);
  const auto other = [&](std::string_view choice) {
    const bool own = choice == key.name || std::find(with.begin(), with.end(), choice) != with.end();
    return !own && says(choice);
  };
  const bool bound = std::find(choices.begin(), choices.end(), key.name) != choices.end() ||
                     std::any_of(with.begin(), with.end(), [&](std::string_view w) {
                       return std::find(choices.begin(), choices.end(), w) != choices.end();
                     });
  return bound && std::any_of(choices.begin(), choices.end(), other);
}

void DropRuledOut(const Section& section, const YamlNode& over, YamlNode* base) {
  for (const Key& key : section.keys) {
    const size_t at = IndexOf(*base, key.name);
    if (at < base->keys.size() && RuledOut(key, section.one_of, over)) EraseAt(at, base);
  }
}

std::string Dotted(const Path& path) { return fmt::format("{}", fmt::join(path, ".")); }

void LayOverAt(const std::vector<Shape>& shapes, YamlNode over, Path* path, YamlNode* base, Diagnostics* diagnostics) {
  if (!over.is_mapping() || !base->is_mapping()) {
    *base = std::move(over);
    return;
  }
  std::vector<std::string> removable;
  for (const YamlNode& key : base->keys) removable.push_back(key.text);
  if (const Section* section = SectionOf(shapes)) DropRuledOut(*section, over, base);
  for (size_t i = 0; i < over.keys.size(); ++i) {
    YamlNode& key = over.keys[i];
    const size_t at = IndexOf(*base, key.text);
    const bool known = at < base->keys.size();
    path->push_back(key.text);
    if (IsNull(over.values[i])) {
      if (known) {
        EraseAt(at, base);
      } else if (std::find(removable.begin(), removable.end(), key.text) == removable.end()) {
        diagnostics->Add("E0019", key.span,
                         fmt::format("there is nothing to remove: no included file has {}", Quoted(Dotted(*path))),
                         DidYouMean(key.text, removable), {KnownNames(removable)});
      }
    } else if (known) {
      LayOverAt(ShapesBehind(shapes, key.text), std::move(over.values[i]), path, &base->values[at], diagnostics);
      base->keys[at] = std::move(key);
    } else {
      base->keys.push_back(std::move(key));
      base->values.push_back(std::move(over.values[i]));
    }
    path->pop_back();
  }
  base->span = over.span;
}

bool Equal(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.text != b.text || a.keys.size() != b.keys.size() || a.values.size() != b.values.size()) {
    return false;
  }
  for (size_t i = 0; i < a.keys.size(); ++i) {
    if (a.keys[i].text != b.keys[i].text) return false;
  }
  for (size_t i = 0; i < a.values.size(); ++i) {
    if (!Equal(a.values[i], b.values[i])) return false;
  }
  return true;
}

// Whether the tree says anything about the path.
bool Decides(const YamlNode& tree, const Path& path) {
  const YamlNode* at = &tree;
  for (const std::string& key : path) {
    if (!at->is_mapping()) return true;
    at = at->Find(key);
    if (at == nullptr) return false;
  }
  return true;
}

// What is the same while two included files are joined.
struct Joining {
  const YamlNode& decider;
  Span where;
  Diagnostics* diagnostics;

  // Sections are joined by their keys, and mappings by the user's names; what a name stands for is one thing.
  void Join(const std::vector<Shape>& shapes, const YamlNode& other, Path* path, YamlNode* base) const {
    for (size_t i = 0; i < other.keys.size(); ++i) {
      const YamlNode& key = other.keys[i];
      const size_t at = IndexOf(*base, key.text);
      if (at == base->keys.size()) {
        base->keys.push_back(key);
        base->values.push_back(other.values[i]);
        continue;
      }
      path->push_back(key.text);
      const std::vector<Shape> behind = ShapesBehind(shapes, key.text);
      const bool names =
          std::any_of(behind.begin(), behind.end(), [](const Shape& s) { return s.kind == Shape::Kind::kMap; });
      const bool mappings = other.values[i].is_mapping() && base->values[at].is_mapping();
      if (mappings && (path->size() == 1 || names)) {
        Join(behind, other.values[i], path, &base->values[at]);
      } else if (!Equal(other.values[i], base->values[at]) && !Decides(decider, *path)) {
        const auto place = [&](Position at_key) {
          return fmt::format("{}:{}:{}", diagnostics->file(at_key.file), at_key.line, at_key.column);
        };
        diagnostics->Add("E0018", where, fmt::format("{} means two different things", Quoted(Dotted(*path))),
                         "say in this file which one holds",
                         {fmt::format("at {}, and at {}", place(base->keys[at].span.begin), place(key.span.begin))});
      }
      path->pop_back();
    }
  }
};

std::vector<Shape> WholeFile() { return ParseShape("@file"); }

}  // namespace

void LayOver(YamlNode over, YamlNode* base, Diagnostics* diagnostics) {
  Path path;
  LayOverAt(WholeFile(), std::move(over), &path, base, diagnostics);
}

void JoinIncluded(const YamlNode& other, const YamlNode& decider, Span where, YamlNode* base,
                  Diagnostics* diagnostics) {
  Path path;
  Joining{decider, where, diagnostics}.Join(WholeFile(), other, &path, base);
}

}  // namespace ebb
