// The tree of read places; see json_paths.h.
#include "connectors/format/json_paths.h"

#include <algorithm>

namespace ebb {
namespace {

// One token of a JSON pointer: ~1 is a slash, ~0 a tilde; any other tilde stands for itself.
std::string UnescapeToken(std::string_view token) {
  std::string name;
  for (size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    name.push_back(!escape ? token[i] : token[i + 1] == '0' ? '~' : '/');
    if (escape) ++i;
  }
  return name;
}

int64_t ElementNumber(std::string_view name) {
  const bool number = !name.empty() && name.size() <= 9 && (name[0] != '0' || name.size() == 1);
  int64_t value = 0;
  for (const char c : name) {
    if (!number || c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return number ? value : -1;
}

}  // namespace

int MemberMemory::FindAnywhere(const char* token, size_t size, size_t* cursor) const {
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].Is(token, size)) {
      *cursor = i + 1;
      return names_[i].node;
    }
  }
  return kUnknown;
}

void MemberMemory::Learn(std::string_view name, int node, size_t* cursor) {
  if (name.size() > kMaxNameBytes) return;
  if (names_.size() >= kMaxNames) {  // ever new names: start again with this record's
    names_.clear();
    *cursor = 0;
  }
  Name learned = {.quoted = {}, .size = static_cast<uint32_t>(name.size() + 2), .node = node};
  learned.quoted[0] = learned.quoted[name.size() + 1] = '"';
  std::memcpy(learned.quoted + 1, name.data(), name.size());
  const size_t place = std::min(*cursor, names_.size());
  names_.insert(names_.begin() + static_cast<ptrdiff_t>(place), learned);
  *cursor = place + 1;
}

JsonPaths::JsonPaths(const SourceSchema& schema) {
  nodes_.emplace_back();
  for (const Use& use : SchemaUses(schema)) {
    int at = 0;
    if (use.path[0] != '/') {
      at = AddChild(at, std::string(use.path));
    } else {
      std::string_view rest = use.path;
      while (!rest.empty()) {
        rest.remove_prefix(1);
        const std::string_view token = rest.substr(0, rest.find('/'));
        at = AddChild(at, UnescapeToken(token));
        rest.remove_prefix(token.size());
      }
    }
    node(at).targets.push_back(use.target);
  }
}

int JsonPaths::Child(int parent, std::string_view name) const {
  for (const int child : nodes_[static_cast<size_t>(parent)].children) {
    if (nodes_[static_cast<size_t>(child)].name == name) return child;
  }
  return -1;
}

int JsonPaths::Element(int parent, int64_t element) const {
  for (const int child : nodes_[static_cast<size_t>(parent)].children) {
    if (nodes_[static_cast<size_t>(child)].element == element) return child;
  }
  return -1;
}

int JsonPaths::AddChild(int parent, std::string name) {
  const int existing = Child(parent, name);
  if (existing >= 0) return existing;
  const int added = static_cast<int>(nodes_.size());
  nodes_.emplace_back();
  nodes_.back().element = ElementNumber(name);
  nodes_.back().name = std::move(name);
  node(parent).children.push_back(added);
  return added;
}

}  // namespace ebb
