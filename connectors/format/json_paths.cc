// The tree of read places; see json_paths.h.
#include "connectors/format/json_paths.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

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

MemberName::MemberName(std::string_view name, JsonNode* node) : node_(node), size_(name.size() + 3), text_{} {
  EBB_CHECK(size_ <= kMaxBytes, "a name of {} bytes", name.size());
  text_[0] = text_[name.size() + 1] = '"';
  std::memcpy(text_ + 1, name.data(), name.size());
  text_[name.size() + 2] = ':';
  std::memcpy(&low_, text_, 8);
  std::memcpy(&high_, text_ + 8, 8);
  char mask[16] = {};
  std::memset(mask, 0xFF, std::min<size_t>(size_, 16));
  std::memcpy(&low_mask_, mask, 8);
  std::memcpy(&high_mask_, mask + 8, 8);
}

const MemberName* MemberMemory::Find(const char* token, size_t size, const MemberName* expected) const {
  for (const MemberName* name = expected; name != end(); ++name) {
    if (name->Is(token, size)) return name;
  }
  for (const MemberName* name = begin(); name != expected; ++name) {
    if (name->Is(token, size)) return name;
  }
  return nullptr;
}

const MemberName* MemberMemory::Learn(std::string_view name, JsonNode* node, const MemberName* expected) {
  if (name.size() + 3 > MemberName::kMaxBytes) return expected;
  ptrdiff_t place = expected - begin();
  if (names_.size() >= kMaxNames) {  // ever new names: start again with this record's
    names_.clear();
    place = 0;
  }
  names_.insert(names_.begin() + place, MemberName(name, node));
  return begin() + place + 1;
}

JsonNode* JsonNode::Child(std::string_view child_name) const {
  for (JsonNode* child : children) {
    if (child->name == child_name) return child;
  }
  return nullptr;
}

JsonNode* JsonNode::Element(int64_t child_element) const {
  for (JsonNode* child : children) {
    if (child->element == child_element) return child;
  }
  return nullptr;
}

JsonPaths::JsonPaths(const SourceSchema& schema) {
  nodes_.push_back(std::make_unique<JsonNode>());
  for (const Use& use : SchemaUses(schema)) {
    JsonNode* at = root();
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
    at->targets.push_back(use.target);
  }
}

JsonNode* JsonPaths::AddChild(JsonNode* parent, std::string name) {
  if (JsonNode* existing = parent->Child(name); existing != nullptr) return existing;
  JsonNode* added = nodes_.emplace_back(std::make_unique<JsonNode>()).get();
  added->element = ElementNumber(name);
  added->name = std::move(name);
  parent->children.push_back(added);
  return added;
}

}  // namespace ebb
