// The JSON Schema of a pipeline file: what an editor shows while a file is written. It knows the form of every key and
// value; what hangs on other places of the file (names, types inside expressions) is left to `ebb check`. Any value may
// be a text with ${...} in it. In a file that includes others, each mapping may be a part of one: definitions of parts
// ask for no key and take null, which removes one.
#include <fmt/format.h>

#include "config/language.h"
#include "engine/observe/json_text.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

constexpr std::string_view kVariable = R"(\$\{)";

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

std::string Joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ",")); }

std::string AnyOf(const std::vector<std::string>& schemas) {
  return schemas.size() == 1 ? schemas[0] : fmt::format("{{\"anyOf\":[{}]}}", Joined(schemas));
}

// A text that fits the pattern, or has a variable in it.
std::string Pattern(std::string_view pattern) {
  return fmt::format("{{\"type\":\"string\",\"pattern\":{}}}", Json(fmt::format("^({})$|{}", pattern, kVariable)));
}

std::string OrNull(const std::string& schema) { return AnyOf({schema, R"({"type":"null"})"}); }

std::string Words(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(Json(word));
  return AnyOf({fmt::format("{{\"enum\":[{}]}}", Joined(quoted)),
                fmt::format("{{\"type\":\"string\",\"pattern\":{}}}", Json(kVariable))});
}

std::string NounSchema(std::string_view name) {
  if (name == "number" || name == "fraction") {
    return R"({"anyOf":[{"type":"number"},)" + Pattern(R"([-]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?)") + "]}";
  }
  if (name == "bool") return R"({"anyOf":[{"type":"boolean"},)" + Pattern("true|false") + "]}";
  if (name == "value") return R"({"type":["string","number","boolean","null"]})";
  if (name == "text" || name == "path" || name == "expression") {
    return R"({"type":["string","number","boolean"]})";
  }
  if (name == "aggregate") {
    std::vector<std::string> names;
    for (const Aggregate* aggregate : Aggregates()) names.emplace_back(aggregate->name);
    return Words(names);
  }
  for (const Noun& noun : Nouns()) {
    if (noun.name == name) return Pattern(noun.pattern);
  }
  return "true";
}

std::string ShapeSchema(const std::vector<Shape>& alternatives, bool part) {
  std::vector<std::string> schemas, words;
  for (const Shape& shape : alternatives) {
    switch (shape.kind) {
      case Shape::Kind::kWord:
        words.push_back(shape.text);
        break;
      case Shape::Kind::kNoun:
        schemas.push_back(NounSchema(shape.text));
        break;
      case Shape::Kind::kInteger:
        schemas.push_back(fmt::format(R"({{"type":"integer","minimum":{},"maximum":{}}})", shape.low, shape.high));
        schemas.push_back(Pattern("[0-9]+"));
        break;
      case Shape::Kind::kSection:
        schemas.push_back(fmt::format(R"({{"$ref":"#/definitions/{}{}"}})", part ? "part_of_" : "", shape.text));
        break;
      case Shape::Kind::kOneOrList:
        schemas.push_back(ShapeSchema(shape.inner, part));
        schemas.push_back(fmt::format(R"({{"type":"array","items":{}}})", ShapeSchema(shape.inner, false)));
        break;
      case Shape::Kind::kList:
        schemas.push_back(fmt::format(R"({{"type":"array","items":{}}})", ShapeSchema(shape.inner, false)));
        break;
      case Shape::Kind::kMap:
        schemas.push_back(
            fmt::format(R"({{"type":"object","additionalProperties":{},"propertyNames":{{"pattern":{}}}}})",
                        part ? OrNull(ShapeSchema(shape.inner, part)) : ShapeSchema(shape.inner, part),
                        Json("^[A-Za-z][A-Za-z0-9_]{0,63}$")));
        break;
    }
  }
  if (!words.empty()) schemas.insert(schemas.begin(), Words(words));
  return AnyOf(schemas);
}

// Markdown without its links.
std::string PlainText(std::string_view markdown) {
  std::string out;
  for (size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == ']' && markdown.substr(i, 2) == "](") {
      i = markdown.find(')', i);
    } else if (markdown[i] != '[' || markdown.find("](", i) == std::string_view::npos) {
      out += markdown[i];
    }
  }
  return out;
}

std::string Property(const Key& key, bool part) {
  std::string text = PlainText(key.meaning);
  if (!key.fallback.empty()) {
    text += fmt::format("{}{}{}", text.empty() ? "" : ". ", key.fallback == "required" ? "" : "Default: ",
                        key.fallback == "required" ? "Required." : PlainText(key.fallback));
  }
  // Beside a $ref draft 7 ignores other keywords, so the shape is wrapped.
  const std::vector<Shape> shape = ParseShape(key.shape);
  const bool some = !part && key.fallback == "required" && shape[0].kind == Shape::Kind::kMap;
  const std::string value = ShapeSchema(shape, part);
  return fmt::format(R"({}:{{"description":{},{}"allOf":[{}]}})", Json(key.name), Json(text),
                     some ? "\"minProperties\":1," : "", part ? OrNull(value) : value);
}

std::string Required(std::string_view key) { return fmt::format("{{\"required\":[{}]}}", Json(key)); }

// What a key demands of its neighbours.
std::vector<std::string> Dependencies(const Section& section) {
  std::vector<std::string> out;
  for (const Key& key : section.keys) {
    if (key.with.empty()) continue;
    if (key.with[0] == '!') {
      out.push_back(fmt::format(R"({}:{{"not":{}}})", Json(key.name), Required(key.with.substr(1))));
      continue;
    }
    std::vector<std::string> choices;
    for (std::string_view with : SplitWords(key.with)) choices.push_back(Required(with));
    out.push_back(fmt::format("{}:{}", Json(key.name), AnyOf(choices)));
  }
  for (std::string_view word : SplitWords(section.one_of)) {
    std::vector<std::string> needed;
    for (const Key& key : section.keys) {
      if (key.fallback != "required") continue;
      for (std::string_view with : SplitWords(key.with)) {
        if (with == word) needed.push_back(Json(key.name));
      }
    }
    if (!needed.empty()) out.push_back(fmt::format("{}:[{}]", Json(word), Joined(needed)));
  }
  return out;
}

std::string SectionSchema(const Section& section, std::string_view indent, bool part) {
  std::vector<std::string> properties, required, choices;
  std::string open = "false";
  for (const Key& key : section.keys) {
    if (key.name == "*") {
      open = ShapeSchema(ParseShape(key.shape), part);
      continue;
    }
    properties.push_back(Property(key, part));
    if (!part && key.fallback == "required" && key.with.empty()) required.push_back(Json(key.name));
  }
  for (std::string_view word : SplitWords(part ? "" : section.one_of)) choices.push_back(Required(word));
  std::string out = fmt::format("\"type\":\"object\",\n{0}\"additionalProperties\":{1}", indent, open);
  if (!required.empty()) out += fmt::format(",\n{}\"required\":[{}]", indent, Joined(required));
  if (!choices.empty()) out += fmt::format(",\n{}\"oneOf\":[{}]", indent, Joined(choices));
  const std::vector<std::string> dependencies = part ? std::vector<std::string>{} : Dependencies(section);
  const std::string next = fmt::format(",\n{}  ", indent);
  if (!dependencies.empty()) {
    out += fmt::format(",\n{0}\"dependencies\":{{\n{0}  {1}\n{0}}}", indent, fmt::join(dependencies, next));
  }
  return out + fmt::format(",\n{0}\"properties\":{{\n{0}  {1}\n{0}}}", indent, fmt::join(properties, next));
}

}  // namespace

std::string PipelineSchema() {
  std::string out = "{\n\"$schema\":\"http://json-schema.org/draft-07/schema#\",\n\"title\":\"A pipeline of ebb\",\n";
  std::vector<std::string> definitions;
  for (const bool part : {false, true}) {
    for (const Section& section : Sections()) {
      const bool of_test = section.place.starts_with("tests");
      if (part && of_test) continue;  // a test is never a part of one
      const std::string name = Json(std::string(part ? "part_of_" : "") + std::string(section.name));
      definitions.push_back(fmt::format("  {}:{{\n    {}}}", name, SectionSchema(section, "    ", part)));
    }
  }
  out += R"("if":{"type":"object","required":["include"]},)";
  out +=
      "\n"
      R"("then":{"$ref":"#/definitions/part_of_file"},)"
      "\n"
      R"("else":{"$ref":"#/definitions/file"},)"
      "\n";
  return out + fmt::format("\"definitions\":{{\n{}\n}}\n}}\n", fmt::join(definitions, ",\n"));
}

}  // namespace ebb
