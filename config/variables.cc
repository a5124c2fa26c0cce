// Resolution of ${...} with positions.
#include "config/variables.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace ebb {
namespace {

constexpr size_t kMaxSecretBytes = size_t{64} << 10;

bool IsVariableName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name) {
    bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!good) return false;
  }
  return true;
}

// Confined to its task's thread.
class Resolver {
 public:
  Resolver(const VariableSource& source, Diagnostics* diagnostics) : source_(source), diagnostics_(diagnostics) {}

  void Resolve(YamlNode* node) {
    for (YamlNode& value : node->values) Resolve(&value);
    if (node->is_scalar() && node->text.find("${") != std::string::npos) ResolveScalar(node);
  }

 private:
  void ResolveScalar(YamlNode* node) {
    const std::string text = std::move(node->text);
    const std::vector<Position> places = std::move(node->places);
    YamlNode original;
    original.text = text;
    original.places = places;
    node->text.clear();
    node->places.clear();
    failed_ = false;
    auto append = [&](std::string_view part, Position place) {
      node->text += part;
      node->places.insert(node->places.end(), part.size(), place);
    };
    for (size_t i = 0; i < text.size();) {
      if (text.compare(i, 3, "$${") == 0) {
        append("${", places[i]);
        i += 3;
      } else if (text.compare(i, 2, "${") == 0) {
        size_t close = text.find('}', i);
        if (close == std::string::npos) {
          Refuse("E0014", original.PartOf(i, text.size()), "this ${ isn't closed", "close it with }");
          break;
        }
        std::string_view inside = std::string_view(text).substr(i + 2, close - i - 2);
        append(Value(inside, original.PartOf(i, close + 1), node), places[i]);
        i = close + 1;
      } else {
        append(std::string_view(text).substr(i, 1), places[i]);
        ++i;
      }
    }
    node->places.push_back(places.back());
    node->unknown = failed_;
  }

  std::string Value(std::string_view inside, Span span, YamlNode* node) {
    if (inside.substr(0, 5) == "file:") {
      node->secret = true;
      return FileValue(std::string(inside.substr(5)), span);
    }
    size_t colon = inside.find(":-");
    std::string name(inside.substr(0, colon));
    if (!IsVariableName(name)) {
      Refuse("E0014", span, fmt::format("{} isn't the name of a variable", Quoted(name)),
             "the forms are ${NAME}, ${NAME:-default} and ${file:PATH}");
      return "";
    }
    std::optional<std::string> value = source_.environment(name);
    if (colon != std::string_view::npos && (!value || value->empty())) return std::string(inside.substr(colon + 2));
    if (!value) {
      Refuse("E0013", span, fmt::format("the environment variable {} isn't set", name),
             fmt::format("set it, or write ${{{}:-default}}", name));
      return "";
    }
    if (FindBadCharacter(*value) == std::string_view::npos) return *value;
    Refuse("E0014", span, fmt::format("the environment variable {} isn't UTF-8 text", name));
    return "";
  }

  std::string FileValue(const std::string& path, Span span) {
    std::filesystem::path full = std::filesystem::path(source_.folder) / path;
    std::error_code error;
    std::ifstream file;
    if (std::filesystem::is_regular_file(full, error)) file.open(full, std::ios::binary);
    if (!file.is_open()) {
      Refuse("E0014", span, fmt::format("the file {} can't be read", Quoted(path)));
      return "";
    }
    std::string content(kMaxSecretBytes + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<size_t>(file.gcount()));
    if (content.size() > kMaxSecretBytes || FindBadCharacter(content) != std::string_view::npos) {
      Refuse("E0014", span,
             fmt::format("the file {} isn't UTF-8 text of at most {} bytes", Quoted(path), kMaxSecretBytes));
      return "";
    }
    if (!content.empty() && content.back() == '\n') content.pop_back();
    if (!content.empty() && content.back() == '\r') content.pop_back();
    return content;
  }

  void Refuse(std::string_view code, Span span, std::string message, std::string hint = "") {
    diagnostics_->Add(code, span, std::move(message), std::move(hint));
    failed_ = true;
  }

  const VariableSource& source_;
  Diagnostics* diagnostics_;
  bool failed_ = false;  // the scalar at hand could not be resolved
};

}  // namespace

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

void ResolveVariables(const VariableSource& source, YamlNode* node, Diagnostics* diagnostics) {
  Resolver(source, diagnostics).Resolve(node);
}

}  // namespace ebb
