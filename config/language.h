// The keys of the pipeline language, section by section. The tables of docs/pipeline.md and the JSON Schema for editors
// are made of these lines, and tests try each of them in the checker, so none of the three can drift.
//
// A new key is one line in language.cc and the Take() where its section is read; then
// `EBB_UPDATE_GOLDEN=1 build/release/bin/config_test --gtest_filter='Language*'` writes the page and the schema.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ebb {

// Immutable after construction.
struct Key {
  std::string_view name;  // "*": any name of the user's
  // What may stand behind it, alternatives separated by " | ":
  //   =json        this word             duration     a noun, one of Nouns()
  //   1..1000      a whole number        @time        a mapping, the section of this name
  //   [source]     one, or a list        {condition}  a mapping from the user's names to such values
  //   []@point     a list
  std::string_view shape;
  std::string_view fallback;   // "required"; else what holds without the key, as docs/pipeline.md says it
  std::string_view meaning;    // Markdown
  std::string_view with = "";  // allowed only beside one of these keys ("alert score"), or, with a !, not beside it
};

// Immutable after construction.
struct Section {
  std::string_view name;    // "time"
  std::string_view place;   // where it stands: "sources.*.time"; [] is an item of a list; "" is the file
  std::string_view one_of;  // exactly one of these keys stands there: "file topic generate"; "" when there is no choice
  std::span<const Key> keys;
};

std::span<const Section> Sections();
// Null when there is none of this name.
const Section* FindSection(std::string_view name);

// A kind of single value. Immutable after construction.
struct Noun {
  std::string_view name;
  std::string_view pattern;  // a regular expression for the whole text; "" when there is none
  std::string_view good;     // an example
  std::string_view bad;      // a text that is refused; "" when every text is taken
};
std::span<const Noun> Nouns();

// One alternative of a shape, taken apart.
struct Shape {
  enum class Kind : uint8_t { kWord, kNoun, kInteger, kSection, kOneOrList, kList, kMap };
  Kind kind = Kind::kNoun;
  std::string text;           // the word, the name of the noun or of the section
  int64_t low = 0, high = 0;  // kInteger
  std::vector<Shape> inner;   // kOneOrList, kList, kMap: the alternatives of an item
};
// A shape that can't be read is an error of the table, and ends the program.
std::vector<Shape> ParseShape(std::string_view shape);

// The words of a text, separated by single spaces.
std::vector<std::string_view> SplitWords(std::string_view text);

// The JSON Schema (draft 7) of a pipeline file, for editors.
std::string PipelineSchema();

// A page whose tables behind "<!-- keys: SECTION -->", "<!-- aggregates -->", "<!-- statistics -->",
// "<!-- functions -->" and "<!-- error codes -->" are replaced by those that the program knows.
std::string WithReferenceTables(std::string_view page);

}  // namespace ebb
