// Model files that scores name: opened beside the pipeline file, each error shown where it stands in the model.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "absl/strings/str_split.h"
#include "config/assembler.h"
#include "config/model_file.h"

namespace ebb {

bool Assembler::IsModelFile(const YamlNode& model) {
  return model.is_scalar() && !model.unknown && std::string_view(model.text).ends_with(".json");
}

std::optional<ModelDraft> Assembler::OpenModel(const YamlNode& model) {
  const std::string path = (std::filesystem::path(out_.parts[model.span.begin.file].folder) / model.text).string();
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxYamlBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (!file.is_open() || file.bad() || text.empty()) {
    diagnostics_->Add("E0601", model.span, fmt::format("the model file {} can't be read", Quoted(model.text)),
                      "a path, relative to the folder of the file that it stands in");
    return std::nullopt;
  }
  if (text.size() > kMaxYamlBytes) {
    diagnostics_->Add("E0601", model.span,
                      fmt::format("the model file {} is larger than {} bytes", Quoted(model.text), kMaxYamlBytes));
    return std::nullopt;
  }
  ModelDraft draft{std::nullopt, Diagnostics(model.text, text)};
  draft.root = ParseYaml(text, &draft.diagnostics);
  if (draft.root && draft.diagnostics.empty()) return draft;
  ReportInside(model, draft.diagnostics);
  return std::nullopt;
}

void Assembler::CompileModel(const YamlNode& model, ModelDraft* draft, ScorePlan* score) {
  ReadModel(*draft->root, {&features_, &plan_.features, &builder_}, &draft->diagnostics, score);
  ReportInside(model, draft->diagnostics);
}

// Each error of the model stands at the name of the file, with the lines of the model as notes.
void Assembler::ReportInside(const YamlNode& model, const Diagnostics& inside) {
  const std::vector<absl::string_view> lines = absl::StrSplit(inside.text(), '\n');
  for (const Diagnostic& d : inside.Sorted()) {
    const Position at = d.span.begin;
    std::vector<std::string> notes;
    if (at.line > 0 && static_cast<size_t>(at.line) <= lines.size()) {
      const absl::string_view line = lines[at.line - 1];
      notes.push_back(fmt::format("{:>5} | {}", at.line, std::string_view(line.data(), line.size())));
      const bool same_line = d.span.end.line == at.line;
      const int width = same_line ? std::max(1, d.span.end.column - at.column) : 1;
      notes.push_back(fmt::format("      | {}{}{}{}", std::string(at.column - 1, ' '), std::string(width, '^'),
                                  d.hint.empty() ? "" : " ", d.hint));
    }
    notes.insert(notes.end(), d.notes.begin(), d.notes.end());
    const std::string place = at.line > 0 ? fmt::format("{}:{}:{}", inside.file(), at.line, at.column) : inside.file();
    diagnostics_->Add(d.code, model.span, fmt::format("{}: {}", place, d.message), "", std::move(notes));
  }
}

}  // namespace ebb
