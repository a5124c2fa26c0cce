// The places of a JSON record that a schema reads, as a tree of member names and array indexes, and the memory of the
// order in which records have their members. A wrong memory costs time, never a wrong answer: every name is compared in
// full.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/format/record_rules.h"
#include "engine/stream/schema.h"

namespace ebb {

struct JsonNode;

// A member's name as it stands in a record, `"name":`, and what is read there. Immutable after construction.
class MemberName {
 public:
  static constexpr size_t kMaxBytes = 32;  // with quotes and colon

  // `name` without escapes, of at most kMaxBytes - 3 bytes; `node` is null when nothing there is read.
  MemberName(std::string_view name, JsonNode* node);

  JsonNode* node() const { return node_; }
  // Whether this name stands at `token`, which begins a member whose colon is at token + size - 1. kReadPadding bytes
  // can be read behind the colon.
  bool Is(const char* token, size_t size) const { return size == size_ && StandsAt(token); }
  // The same where nobody knows yet where the member ends.
  bool StandsAt(const char* token) const {
    uint64_t low, high;
    std::memcpy(&low, token, 8);
    std::memcpy(&high, token + 8, 8);
    if ((((low ^ low_) & low_mask_) | ((high ^ high_) & high_mask_)) != 0) return false;
    return size_ <= 16 || std::memcmp(token + 16, text_ + 16, size_ - 16) == 0;
  }
  size_t size() const { return size_; }

 private:
  uint64_t low_, high_;            // the first 16 bytes
  uint64_t low_mask_, high_mask_;  // which of them belong to the name
  JsonNode* node_;
  size_t size_;
  char text_[kMaxBytes];
};

// The names that came in one object, in the order in which they came. A record's members are expected in that order;
// one that is left out or moved costs a search. Confined to its task's thread.
class MemberMemory {
 public:
  static constexpr size_t kMaxNames = kMaxRecordFields;

  const MemberName* begin() const { return names_.data(); }
  const MemberName* end() const { return names_.data() + names_.size(); }
  // The entry of the name at `token`, looked for from `expected` on; null when it isn't known.
  const MemberName* Find(const char* token, size_t size, const MemberName* expected) const;
  // Puts in a name that isn't known yet before `expected`, and returns the entry after it; entries move. A name that is
  // too long isn't kept.
  const MemberName* Learn(std::string_view name, JsonNode* node, const MemberName* expected);

 private:
  std::vector<MemberName> names_;
};

// A place: the top-level object, or a member or element below another place. Confined to its task's thread.
struct JsonNode {
  // The child of that name, unescaped; null if nothing there is read.
  JsonNode* Child(std::string_view child_name) const;
  // The child for the element of an array, counted from 0; null if nothing there is read.
  JsonNode* Element(int64_t child_element) const;

  // Constant.
  std::string name;
  int64_t element = -1;  // the name as an array index; -1 if it isn't one
  std::vector<JsonNode*> children;
  std::vector<Target> targets;
  // Transient.
  MemberMemory memory;
  uint64_t seen_in = 0;  // number of the record that last had this place
};

// Confined to its task's thread.
class JsonPaths {
 public:
  // A path that begins with '/' is a JSON pointer (RFC 6901); any other one is the name of a top-level member.
  explicit JsonPaths(const SourceSchema& schema);

  JsonNode* root() { return nodes_.front().get(); }

 private:
  JsonNode* AddChild(JsonNode* parent, std::string name);

  std::vector<std::unique_ptr<JsonNode>> nodes_;
};

}  // namespace ebb
