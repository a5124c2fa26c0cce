// The places of a JSON record that a schema reads, as a tree of member names and array indexes, and the memory of the order
// in which records have their members. A wrong memory costs time, never a wrong answer: every name is compared in full.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/format/record_rules.h"
#include "engine/stream/schema.h"

namespace ebb {

// Follows the members of one object from record to record: it expects the name that came here before, or the one after that
// (an optional member was left out), else it looks through all that it knows. Confined to its task's thread.
class MemberMemory {
 public:
  static constexpr int kUnknown = -2;  // ask the tree, then Learn
  static constexpr size_t kMaxNameBytes = 30;
  static constexpr size_t kMaxNames = kMaxRecordFields;

  // What stands for the name that begins with a quote at `token` and has a quote and a colon at token + size - 1: a node
  // number, -1 for a member that isn't read, or kUnknown. `*cursor` starts at 0 for each object.
  int Find(const char* token, size_t size, size_t* cursor) const {
    for (size_t i = *cursor; i < names_.size() && i < *cursor + 2; ++i) {
      if (names_[i].Is(token, size)) [[likely]] {
        *cursor = i + 1;
        return names_[i].node;
      }
    }
    return FindAnywhere(token, size, cursor);
  }
  // After kUnknown: puts the name (without quotes or escapes) where the cursor is, and moves it on.
  void Learn(std::string_view name, int node, size_t* cursor);

 private:
  struct Name {
    char quoted[kMaxNameBytes + 2];
    uint32_t size;  // with both quotes
    int32_t node;

    bool Is(const char* other, size_t other_size) const {
      if (size != other_size) return false;
      if (size < 4) return std::memcmp(quoted, other, size) == 0;
      // Words that overlap at the end.
      if (size < 8) return (Differ<uint32_t>(other, 0) | Differ<uint32_t>(other, size - 4)) == 0;
      uint64_t differ = Differ<uint64_t>(other, 0);
      for (size_t at = 8; at + 8 < size; at += 8) differ |= Differ<uint64_t>(other, at);
      return (differ | Differ<uint64_t>(other, size - 8)) == 0;
    }
    template <typename Word>
    Word Differ(const char* other, size_t at) const {
      Word mine, its;
      std::memcpy(&mine, quoted + at, sizeof(Word));
      std::memcpy(&its, other + at, sizeof(Word));
      return mine ^ its;
    }
  };

  int FindAnywhere(const char* token, size_t size, size_t* cursor) const;

  std::vector<Name> names_;
};

// A place: the top-level object (node 0), or a member or element below another place.
struct JsonNode {
  // Constant.
  std::string name;
  int64_t element = -1;           // the name as an array index; -1 if it isn't one
  std::vector<int> children;
  std::vector<Target> targets;
  // Transient.
  MemberMemory memory;
  uint64_t seen_in = 0;           // number of the record that last had this place
};

// Confined to its task's thread.
class JsonPaths {
 public:
  // A path that begins with '/' is a JSON pointer (RFC 6901); any other one is the name of a top-level member.
  explicit JsonPaths(const SourceSchema& schema);

  JsonNode& node(int number) { return nodes_[static_cast<size_t>(number)]; }
  // The child of that name, unescaped; -1 if nothing there is read.
  int Child(int parent, std::string_view name) const;
  // The child for the element of an array, counted from 0; -1 if nothing there is read.
  int Element(int parent, int64_t element) const;

 private:
  int AddChild(int parent, std::string name);

  std::vector<JsonNode> nodes_;
};

}  // namespace ebb
