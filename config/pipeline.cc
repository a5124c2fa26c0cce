// Loading: text, tree, variables, then the sections in the order in which they need each other.
#include "config/pipeline.h"

#include <filesystem>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/include.h"

namespace ebb {
namespace {

constexpr Span kTop = {{1, 1}, {1, 1}};

bool IsPipelineName(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (char c : name) {
    bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (!good) return false;
  }
  return true;
}

}  // namespace

void Assembler::Run() {
  MappingReader reader(root_, kTop, "the file", diagnostics_);
  if (!reader.ok()) return;
  ReadHead(&reader);
  if (const YamlNode* node = reader.Take("accuracy")) ReadAccuracy(*node, reader.KeySpan("accuracy"));
  if (const YamlNode* node = reader.Require("sources")) ReadSources(*node);
  NameReferences();
  if (const YamlNode* node = reader.Take("windows")) ReadWindows(*node);
  if (const YamlNode* node = reader.Take("features")) ReadFeatures(*node);
  CompileDerived();
  if (const YamlNode* node = reader.Take("evaluate")) ReadEvaluate(*node, reader.KeySpan("evaluate"), &plan_.evaluate);
  if (const YamlNode* node = reader.Take("scores")) ReadScores(*node);
  if (const YamlNode* node = reader.Take("reasons")) ReadReasonTexts(*node);
  if (const YamlNode* node = reader.Take("limits")) ReadAlertLimits(*node, reader.KeySpan("limits"));
  if (const YamlNode* node = reader.Take("alerts")) ReadAlerts(*node);
  if (const YamlNode* node = reader.Take("outputs")) ReadOutputs(*node, reader.KeySpan("outputs"));
  if (const YamlNode* node = reader.Take("kafka")) ReadKafka(*node, reader.KeySpan("kafka"));
  if (const YamlNode* node = reader.Take("tests")) ReadTests(*node);
  reader.Take("include");  // what is included stands in the tree already
  reader.Finish();
  if (!diagnostics_->empty()) return;
  DropUnusedEvaluations();
  plan_.program = builder_.Build();
  FinishSources();
  plan_.fingerprint = Fingerprint(out_);
}

void Assembler::ReadHead(MappingReader* reader) {
  if (const YamlNode* node = reader->Require("pipeline")) {
    if (std::optional<std::string> name = ReadText(*node, "pipeline", diagnostics_)) {
      if (node->secret || !IsPipelineName(*name)) {
        diagnostics_->Add("E0110", node->span, fmt::format("{} can't be the name of a pipeline", ShownText(*node)),
                          "small letters, digits and hyphens, at most 64");
      }
      plan_.pipeline = *name;
    }
  }
  if (const YamlNode* node = reader->Require("entity")) {
    MappingReader entity(*node, reader->KeySpan("entity"), "'entity:'", diagnostics_);
    if (const YamlNode* key = entity.Require("key")) {
      out_.entity_key = ReadText(*key, "key", diagnostics_).value_or("");
    }
    entity.Finish();
  }
}

std::optional<Expression> Assembler::Parse(const YamlNode& node, std::string_view what) {
  std::optional<std::string> text = ReadText(node, what, diagnostics_);
  if (!text) return std::nullopt;
  if (node.secret) {
    diagnostics_->Add("E0014", node.span, "an expression can't come from a secret file");
    return std::nullopt;
  }
  std::vector<ExpressionIssue> issues;
  Expression expression = ParseExpression(*text, &issues);
  Report(node, issues);
  if (expression.root < 0) return std::nullopt;
  return expression;
}

Compiled Assembler::Compile(const YamlNode& node, const Expression& expression, Want want, Scope* scope) {
  if (diagnostics_->full()) return {};
  std::vector<ExpressionIssue> issues;
  Compiled compiled = CompileExpression(expression, want, scope, &issues);
  Report(node, issues);
  return compiled;
}

void Assembler::Report(const YamlNode& node, const std::vector<ExpressionIssue>& issues) {
  for (const ExpressionIssue& issue : issues) {
    diagnostics_->Add(issue.code, node.PartOf(issue.begin, issue.end), issue.message, issue.hint, issue.notes);
  }
}

std::vector<size_t> Assembler::NamedEntries(const YamlNode& node, std::string_view what) {
  std::vector<size_t> good;
  if (!node.is_mapping()) {
    diagnostics_->Add("E0103", node.span, fmt::format("'{}:' takes a mapping {{name: ...}}", what));
    return good;
  }
  for (size_t i = 0; i < node.keys.size(); ++i) {
    if (ReadName(node.keys[i], what, diagnostics_)) good.push_back(i);
  }
  return good;
}

int Assembler::FindName(const YamlNode& node, std::string_view code, std::string_view kind,
                        const std::vector<std::string>& known) {
  if (node.unknown) return -1;
  if (!node.is_scalar() || node.is_blank()) {
    diagnostics_->Add("E0103", node.span, fmt::format("here belongs the name of one {}", kind));
    return -1;
  }
  auto found = std::find(known.begin(), known.end(), node.text);
  if (found != known.end()) return static_cast<int>(found - known.begin());
  ReportUnknown(node, code, kind, known, diagnostics_);
  return -1;
}

LoadResult LoadPipelineText(const std::string& text, const std::string& name, const VariableSource& variables) {
  LoadResult result{std::nullopt, Diagnostics(name, text)};
  PipelineFile pipeline;
  pipeline.path = name;
  const std::optional<YamlNode> root = ReadWithIncludes(variables, &pipeline.parts, &result.diagnostics);
  if (!root) return result;
  Assembler(*root, &result.diagnostics, &pipeline).Run();
  if (result.diagnostics.empty()) result.pipeline = std::move(pipeline);
  return result;
}

LoadResult LoadPipelineFile(const std::string& path) {
  FileText file = ReadFileText(path);
  if (!file.problem.empty()) {
    LoadResult result{std::nullopt, Diagnostics(path)};
    result.diagnostics.Add(file.too_large ? "E0002" : "E0001", {}, file.problem);
    return result;
  }
  return LoadPipelineText(file.text, path, {ProcessEnvironment, std::filesystem::path(path).parent_path().string()});
}

}  // namespace ebb
