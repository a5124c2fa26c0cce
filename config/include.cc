// 1. A file's text becomes a tree, and its variables are resolved.
// 2. Each file that it includes is read in the same way, once, and they are joined in the order in which they are
// named.
// 3. The file's own tree is laid over them. Tests of included files are left out: they are about those files alone.
#include "config/include.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "config/merge.h"
#include "config/packs.h"
#include "config/reader.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPackPrefix = "pack:";

std::vector<std::string> PackNames() {
  std::vector<std::string> names;
  for (const Pack& pack : Packs()) names.emplace_back(std::string(kPackPrefix) + pack.name);
  return names;
}

// The YAML files beside one that isn't there.
std::vector<std::string> FilesBeside(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path.parent_path().empty() ? "." : path.parent_path(), error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".yaml" || extension == ".yml") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A file on the way from the pipeline file to the one at hand.
struct Open {
  std::string identity;  // the same for all spellings of a path
  PipelinePart part;
};

// Confined to its task's thread.
class IncludeReader {
 public:
  IncludeReader(const VariableSource& variables, std::vector<PipelinePart>* parts, Diagnostics* diagnostics)
      : variables_(variables), parts_(*parts), diagnostics_(diagnostics) {}

  std::optional<YamlNode> ReadRoot() {
    const std::string& name = diagnostics_->file();
    std::error_code error;
    const fs::path path = fs::path(variables_.folder) / fs::path(name).filename();
    std::optional<YamlNode> root = Read({fs::weakly_canonical(path, error).string(), {name, variables_.folder}}, 0);
    if (failed_) return std::nullopt;
    return root;
  }

 private:
  // The file of this number in the diagnostics, with all that it includes.
  std::optional<YamlNode> Read(Open file, int number) {
    parts_.push_back(file.part);
    std::optional<YamlNode> tree = ParseYaml(diagnostics_->text(number), diagnostics_, number);
    if (!tree) {
      failed_ = true;
      return std::nullopt;
    }
    ResolveVariables({variables_.environment, file.part.folder}, &*tree, diagnostics_);
    if (!tree->is_mapping()) {
      if (number == 0) return tree;
      diagnostics_->Add("E0103", tree->span, "an included file must be a mapping {key: value}");
      failed_ = true;
      return std::nullopt;
    }
    if (number > 0) Erase("tests", &*tree);
    if (tree->Find("include") == nullptr) return tree;
    open_.push_back(std::move(file));
    const YamlNode include = *tree->Find("include");
    Erase("include", &*tree);
    const std::vector<const YamlNode*> items = ReadList(include, "include", diagnostics_);
    std::optional<YamlNode> base;
    for (const YamlNode* item : items) {
      const YamlNode* included = ReadItem(*item);
      if (included == nullptr) continue;
      if (!base) {
        base = *included;
      } else {
        JoinIncluded(*included, *tree, item->span, &*base, diagnostics_);
      }
    }
    open_.pop_back();
    if (!base) return tree;
    LayOver(std::move(*tree), &*base, diagnostics_);
    return base;
  }

  // The tree of what an item of `include:` names, or null after reporting why there is none.
  const YamlNode* ReadItem(const YamlNode& item) {
    const std::optional<std::string> text = ReadText(item, "include", diagnostics_);
    if (text && item.secret) diagnostics_->Add("E0014", item.span, "a path can't come from a secret file");
    if (!text || item.secret) return Fail();
    FileText file;
    const Open open = text->starts_with(kPackPrefix) ? OpenPack(item, &file) : OpenFile(item, &file);
    if (open.identity.empty()) return Fail();
    for (auto cycle = open_.begin(); cycle != open_.end(); ++cycle) {
      if (cycle->identity != open.identity) continue;
      std::string circle;
      for (auto at = cycle; at != open_.end(); ++at) circle += at->part.name + " -> ";
      diagnostics_->Add("E0016", item.span, "the files include each other: " + circle + open.part.name);
      return Fail();
    }
    if (const auto known = trees_.find(open.identity); known != trees_.end()) {
      return known->second ? &*known->second : nullptr;
    }
    if (static_cast<int>(open_.size()) > kMaxIncludeDepth || diagnostics_->file_count() > kMaxIncludedFiles) {
      diagnostics_->Add("E0017", item.span,
                        fmt::format("too many files include one another: at most {} in a row, {} in all",
                                    kMaxIncludeDepth, kMaxIncludedFiles));
      return Fail();
    }
    const int number = diagnostics_->AddFile(open.part.name, std::move(file.text), item.span.begin);
    std::optional<YamlNode> tree = Read(open, number);
    const auto& kept = trees_.insert_or_assign(open.identity, std::move(tree)).first->second;
    return kept ? &*kept : nullptr;
  }

  // Both leave `identity` empty after reporting what is wrong.
  Open OpenPack(const YamlNode& item, FileText* file) {
    for (const Pack& pack : Packs()) {
      if (item.text != std::string(kPackPrefix) + pack.name) continue;
      file->text = pack.text;
      return {item.text, {item.text, open_.back().part.folder}};
    }
    ReportUnknown(item, "E0020", "pack", PackNames(), diagnostics_);
    return {};
  }

  Open OpenFile(const YamlNode& item, FileText* file) {
    const PipelinePart& by = open_.back().part;
    const fs::path path = fs::path(by.folder) / item.text;
    *file = ReadFileText(path.string());
    std::error_code error;
    if (file->problem.empty()) {
      return {fs::weakly_canonical(path, error).string(),
              {(fs::path(by.name).parent_path() / item.text).lexically_normal().string(), path.parent_path().string()}};
    }
    std::string hint = DidYouMean(path.filename().string(), FilesBeside(path));
    diagnostics_->Add("E0015", item.span, fmt::format("{} can't be included: {}", Quoted(item.text), file->problem),
                      hint.empty() ? "a path, relative to this file's folder, or pack:NAME" : hint);
    return {};
  }

  const YamlNode* Fail() {
    failed_ = true;
    return nullptr;
  }

  static void Erase(std::string_view key, YamlNode* mapping) {
    for (size_t i = 0; i < mapping->keys.size(); ++i) {
      if (mapping->keys[i].text != key) continue;
      mapping->keys.erase(mapping->keys.begin() + static_cast<long>(i));
      mapping->values.erase(mapping->values.begin() + static_cast<long>(i));
      return;
    }
  }

  const VariableSource& variables_;
  std::vector<PipelinePart>& parts_;
  Diagnostics* diagnostics_;
  std::vector<Open> open_;                                // from the pipeline file to the one at hand
  std::map<std::string, std::optional<YamlNode>> trees_;  // by identity; empty: it has errors
  bool failed_ = false;                                   // a part of the pipeline is unknown
};

}  // namespace

FileText ReadFileText(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {"", "this is a folder, not a file"};
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return {"", fmt::format("the file can't be read: {}", std::strerror(errno))};
  std::string text(kMaxYamlBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return {"", "the file can't be read to its end"};
  if (text.size() > kMaxYamlBytes) {
    return {"", fmt::format("the file is larger than {} bytes", kMaxYamlBytes), true};
  }
  return {std::move(text), ""};
}

std::optional<YamlNode> ReadWithIncludes(const VariableSource& variables, std::vector<PipelinePart>* parts,
                                         Diagnostics* diagnostics) {
  return IncludeReader(variables, parts, diagnostics).ReadRoot();
}

}  // namespace ebb
