// Builds the tree from libyaml's events, and turns libyaml's complaints into sentences about the file.
#include "config/yaml.h"

#include <yaml.h>

#include <map>

#include <fmt/format.h>

#include "config/yaml_source.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

using Kind = YamlNode::Kind;
using Style = YamlNode::Style;

// Confined to its task's thread.
class Parser {
 public:
  explicit Parser(std::string_view text) {
    EBB_CHECK(yaml_parser_initialize(&parser_) == 1, "libyaml has no memory");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Parser() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // The next event, which lives until the next call; null after an error.
  const yaml_event_t* Next() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 1) return &event_;
    event_ = {};
    return nullptr;
  }
  yaml_parser_t* raw() { return &parser_; }

 private:
  yaml_parser_t parser_ = {};
  yaml_event_t event_ = {};
};

Style StyleOf(yaml_scalar_style_t style) {
  switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
      return Style::kSingleQuoted;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
      return Style::kDoubleQuoted;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
      return Style::kBlock;
    default:
      return Style::kPlain;
  }
}

bool IsQuoted(yaml_scalar_style_t style) {
  return style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

const unsigned char* AnchorOf(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_SCALAR_EVENT:
      return event.data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
      return event.data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
      return event.data.mapping_start.anchor;
    default:
      return nullptr;
  }
}

const unsigned char* TagOf(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_SCALAR_EVENT:
      return event.data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
      return event.data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
      return event.data.mapping_start.tag;
    default:
      return nullptr;
  }
}

std::string Hint(std::string_view problem, std::string_view character, std::string_view line) {
  if (line.find("${") != std::string_view::npos && line.find_first_of("{[") < line.find("${")) {
    return "put a text with ${...} into quotes";
  }
  if (problem.find("mapping values are not allowed") != std::string_view::npos) {
    return "a ':' can't stand here; check the indentation, or put the text into quotes";
  }
  if (problem.find("cannot start any token") != std::string_view::npos) {
    return fmt::format("a text that begins with {} has to stand in quotes", character);
  }
  if (problem.find("',' or '}'") != std::string_view::npos) return "a comma or '}' is missing before this";
  if (problem.find("',' or ']'") != std::string_view::npos) return "a comma or ']' is missing before this";
  if (problem.find("expected ':'") != std::string_view::npos) return "a ':' is missing behind the key";
  if (problem.find("expected key") != std::string_view::npos ||
      problem.find("expected '-' indicator") != std::string_view::npos ||
      problem.find("not allowed in this context") != std::string_view::npos ||
      problem.find("expected <document start>") != std::string_view::npos) {
    return "is this line indented like its neighbours?";
  }
  if (problem.find("unknown escape character") != std::string_view::npos) {
    return "inside double quotes write \\\\ for a backslash";
  }
  if (problem.find("unexpected end of stream") != std::string_view::npos) return "the file ends too early";
  return "";
}

// Confined to its task's thread.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, Diagnostics* diagnostics, int file)
      : text_(text), file_(file), source_(text, file), diagnostics_(diagnostics), parser_(text) {}

  std::optional<YamlNode> Build() {
    while (true) {
      const yaml_event_t* event = parser_.Next();
      if (event == nullptr) return ReportSyntax();
      if (event->type == YAML_STREAM_END_EVENT) break;
      if (event->type == YAML_STREAM_START_EVENT || event->type == YAML_DOCUMENT_END_EVENT) continue;
      if (event->type == YAML_DOCUMENT_START_EVENT) {
        if (root_) {
          Report("E0010", event->start_mark, event->end_mark, "a second document begins here",
                 "one file holds one pipeline");
          return std::nullopt;
        }
        continue;
      }
      YamlNode root;
      if (!BuildNode(*event, 0, &root)) return failed_ ? std::nullopt : ReportSyntax();
      root_ = std::move(root);
    }
    if (!root_ || root_->is_blank()) {
      diagnostics_->Add("E0012", {{1, 1, file_}, {1, 1, file_}}, "the file is empty",
                        "begin with pipeline: NAME, entity: and sources:");
      return std::nullopt;
    }
    if (unknown_value_) return std::nullopt;
    return std::move(root_);
  }

 private:
  Span SpanOf(const yaml_mark_t& begin, const yaml_mark_t& end) const {
    return {source_.PositionOf(begin.index), source_.PositionOf(end.index)};
  }

  void Report(std::string_view code, const yaml_mark_t& begin, const yaml_mark_t& end, std::string message,
              std::string hint, std::vector<std::string> notes = {}) {
    diagnostics_->Add(code, SpanOf(begin, end), std::move(message), std::move(hint), std::move(notes));
  }

  // Fills `node` from the event and those that belong to it. False after an error that ends the parse.
  bool BuildNode(const yaml_event_t& event, int depth, YamlNode* node) {
    node->span = SpanOf(event.start_mark, event.end_mark);
    if (depth > kMaxYamlDepth) {
      Report("E0011", event.start_mark, event.end_mark, fmt::format("nested deeper than {} levels", kMaxYamlDepth), "");
      failed_ = true;
      return false;
    }
    if (AnchorOf(event) != nullptr || event.type == YAML_ALIAS_EVENT) {
      bool alias = event.type == YAML_ALIAS_EVENT;
      Report("E0008", event.start_mark, event.end_mark,
             alias ? "aliases aren't part of the language" : "anchors aren't part of the language",
             alias ? "write the value out, or put the text into quotes" : "leave the anchor away");
      unknown_value_ = unknown_value_ || alias;
    }
    if (TagOf(event) != nullptr) {
      Report("E0009", event.start_mark, event.end_mark, "tags aren't part of the language", "leave the tag away");
    }
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        BuildScalar(event, node);
        return true;
      case YAML_SEQUENCE_START_EVENT:
        return BuildSequence(depth, node);
      case YAML_MAPPING_START_EVENT:
        return BuildMapping(depth, node);
      default:
        node->places = {node->span.begin};
        return true;
    }
  }

  void BuildScalar(const yaml_event_t& event, YamlNode* node) {
    node->kind = Kind::kScalar;
    node->style = StyleOf(event.data.scalar.style);
    node->text.assign(reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length);
    node->places = source_.PlacesOf(node->text, node->style, event.start_mark.index, event.end_mark.index);
    if (IsQuoted(event.data.scalar.style) && node->span.begin.line != node->span.end.line)
      ReportQuote(node->span.begin);
  }

  bool BuildSequence(int depth, YamlNode* node) {
    node->kind = Kind::kSequence;
    while (true) {
      const yaml_event_t* event = parser_.Next();
      if (event == nullptr) return false;
      if (event->type == YAML_SEQUENCE_END_EVENT) {
        node->span.end = source_.PositionOf(event->end_mark.index);
        return true;
      }
      node->values.emplace_back();
      if (!BuildNode(*event, depth + 1, &node->values.back())) return false;
    }
  }

  bool BuildMapping(int depth, YamlNode* node) {
    node->kind = Kind::kMapping;
    std::map<std::string, Position> seen;
    while (true) {
      const yaml_event_t* event = parser_.Next();
      if (event == nullptr) return false;
      if (event->type == YAML_MAPPING_END_EVENT) {
        node->span.end = source_.PositionOf(event->end_mark.index);
        return true;
      }
      YamlNode key, value;
      if (!BuildNode(*event, depth + 1, &key)) return false;
      event = parser_.Next();
      if (event == nullptr || !BuildNode(*event, depth + 1, &value)) return false;
      if (!key.is_scalar()) {
        diagnostics_->Add("E0103", key.span, "a key must be a single name", "");
        continue;
      }
      auto [first, fresh] = seen.try_emplace(key.text, key.span.begin);
      if (!fresh) {
        diagnostics_->Add("E0007", key.span, fmt::format("key {} stands twice", Quoted(key.text)),
                          fmt::format("first in line {}", first->second.line));
        continue;
      }
      node->keys.push_back(std::move(key));
      node->values.push_back(std::move(value));
    }
  }

  void ReportQuote(Position begin) {
    diagnostics_->Add("E0005", {begin, {begin.line, begin.column + 1, file_}}, "this quote isn't closed on its line",
                      "close it with the same quote");
  }

  // A quote that is closed on a later line is found only by reading the tokens: its error shows far behind.
  bool ReportOpenQuote() {
    Parser tokens(text_);
    while (true) {
      yaml_token_t token;
      if (yaml_parser_scan(tokens.raw(), &token) != 1) {
        bool open =
            std::string_view(tokens.raw()->context == nullptr ? "" : tokens.raw()->context).find("quoted scalar") !=
                std::string_view::npos &&
            std::string_view(tokens.raw()->problem).find("escape") == std::string_view::npos;
        if (open) ReportQuote(source_.PositionOf(tokens.raw()->context_mark.index));
        return open;
      }
      bool scalar = token.type == YAML_SCALAR_TOKEN && IsQuoted(token.data.scalar.style);
      bool end = token.type == YAML_STREAM_END_TOKEN;
      Span span = SpanOf(token.start_mark, token.end_mark);
      yaml_token_delete(&token);
      if (scalar && span.begin.line != span.end.line) {
        ReportQuote(span.begin);
        return true;
      }
      if (end) return false;
    }
  }

  bool ReportTab(size_t index) {
    std::string_view line = source_.LineOf(index);
    size_t text = line.find_first_not_of(" \t");
    size_t tab = line.substr(0, text).find('\t');
    if (tab == std::string_view::npos) return false;
    int row = source_.PositionOf(index).line;
    int column = static_cast<int>(tab) + 1;
    diagnostics_->Add("E0004", {{row, column, file_}, {row, column + 1, file_}}, "this line is indented with a tab",
                      "replace the tab by spaces");
    return true;
  }

  std::nullopt_t ReportSyntax() {
    const yaml_parser_t& p = *parser_.raw();
    std::string_view problem = p.problem == nullptr ? "the text can't be read" : p.problem;
    if (p.error == YAML_READER_ERROR) {
      size_t index = source_.IndexOfByte(p.problem_offset);
      diagnostics_->Add("E0003", {source_.PositionOf(index), source_.PositionOf(index + 1)},
                        "this character isn't allowed", "");
      return std::nullopt;
    }
    size_t index = p.problem_mark.index;
    if (ReportOpenQuote() || ReportTab(index)) return std::nullopt;
    std::vector<std::string> notes;
    if (problem.find("',' or") != std::string_view::npos) {
      notes.push_back(fmt::format("the bracket was opened in line {}", source_.PositionOf(p.context_mark.index).line));
    }
    diagnostics_->Add("E0006", {source_.PositionOf(index), source_.PositionOf(index + 1)},
                      fmt::format("the structure of the file breaks off here ({})", problem),
                      Hint(problem, source_.CharacterAt(index), source_.LineOf(index)), std::move(notes));
    return std::nullopt;
  }

  std::string_view text_;
  int file_;
  YamlSource source_;
  Diagnostics* diagnostics_;
  Parser parser_;
  std::optional<YamlNode> root_;
  bool failed_ = false;         // an error of ours, not of libyaml
  bool unknown_value_ = false;  // an alias stands for something that isn't known
};

// Bytes of the well-formed character at the beginning of `text`, or 0 (RFC 3629: no overlong forms, no surrogates).
size_t CharacterBytes(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xBF) { return byte(i) >= low && byte(i) <= high; };
  unsigned c = byte(0);
  if (c < 0x80) return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0x7F) ? 1 : 0;
  if (c >= 0xC2 && c <= 0xDF) return follows(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    return follows(1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    return follows(1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &values[i];
  }
  return nullptr;
}

Span YamlNode::PartOf(size_t begin, size_t end) const {
  if (places.empty()) return span;
  begin = std::min(begin, places.size() - 1);
  end = std::min(end, places.size() - 1);
  Position first = places[begin];
  if (end <= begin) return {first, first};
  // One past the last character, not the place of the next: escapes and folded lines may stand between.
  size_t last = end - 1;
  while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return {first, {places[last].line, places[last].column + 1, places[last].file}};
}

size_t FindBadCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t bytes = CharacterBytes(text.substr(i));
    if (bytes == 0) return i;
    i += bytes;
  }
  return std::string_view::npos;
}

std::optional<YamlNode> ParseYaml(const std::string& text, Diagnostics* diagnostics, int file) {
  if (text.size() > kMaxYamlBytes) {
    diagnostics->Add("E0002", {{0, 0, file}, {}},
                     fmt::format("the file has {} bytes, the limit is {}", text.size(), kMaxYamlBytes));
    return std::nullopt;
  }
  std::string_view view = text;
  if (view.substr(0, 3) == "\xEF\xBB\xBF") view.remove_prefix(3);
  if (size_t bad = FindBadCharacter(view); bad != std::string_view::npos) {
    YamlSource before(view.substr(0, bad), file);
    Position at = before.PositionOf(before.size());
    unsigned char byte = static_cast<unsigned char>(view[bad]);
    diagnostics->Add("E0003", {at, {at.line, at.column + 1, file}},
                     byte < 0x80 ? fmt::format("a control character (0x{:02x}) isn't allowed", byte)
                                 : fmt::format("the byte 0x{:02x} isn't UTF-8 here", byte),
                     byte < 0x80 ? "" : "save the file as UTF-8");
    return std::nullopt;
  }
  return TreeBuilder(view, diagnostics, file).Build();
}

}  // namespace ebb
