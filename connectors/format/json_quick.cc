// What is read may lie behind the record, in the padding, for as long as a name or a number goes: then the end of the
// top-level object isn't the record's, which is looked at last.
#include "connectors/format/json_quick.h"

#include <cstdint>
#include <cstring>

#include "connectors/format/number.h"
#include "engine/stream/log.h"
#include "engine/stream/schema.h"

namespace ebb {
namespace {

constexpr size_t kNumberRoom = 8;  // behind the record, so that its last number is read in large pieces, too
static_assert(MemberName::kMaxBytes + 1 + kNumberRoom + 8 <= kReadPadding);

class QuickReader {
 public:
  QuickReader(const char* end, JsonValues* values) : end_(end), values_(values) {}

  // Both take where something begins and return where it ends; null: given up.
  const char* Object(const JsonNode& node, const char* p, int depth);
  const char* Value(const JsonNode* node, const char* p, int depth);

 private:
  const char* TextEnd(const char* p) const;
  const char* Text(const JsonNode* node, const char* p);
  const char* Word(const JsonNode* node, const char* p);

  const char* const end_;
  JsonValues* const values_;
};

const char* QuickReader::Object(const JsonNode& node, const char* p, int depth) {
  if (++depth > kMaxDepth) return nullptr;
  const MemberName* name = node.memory.begin();
  const MemberName* const last = node.memory.end();
  ++p;  // the brace
  while (p < end_) {
    while (name != last && !name->StandsAt(p)) ++name;
    if (name == last) return nullptr;
    p += name->size();
    p += *p == ' ';
    p = Value(name->node(), p, depth);
    if (p == nullptr) return nullptr;
    const char next = *p++;
    if (next == '}') return p;
    if (next != ',') return nullptr;
    p += *p == ' ';
    ++name;
  }
  return nullptr;
}

const char* QuickReader::Value(const JsonNode* node, const char* p, int depth) {
  if (p >= end_) return nullptr;
  switch (*p) {
    case '"':
      return Text(node, p);
    case '{':
      if (node == nullptr || node->children.empty() || !node->targets.empty()) return nullptr;
      return Object(*node, p, depth);
    case '[':
      return nullptr;
    case 't':
    case 'f':
    case 'n':
      return Word(node, p);
    default:
      Number number;
      p = ScanNumber(p, end_ + kNumberRoom, NumberStyle::kJson, &number);
      if (p != nullptr && node != nullptr) values_->TakeNumber(*node, number);
      return p;
  }
}

// The first byte from `p` on that is a quote, null when one comes before that must be looked at with care.
const char* QuickReader::TextEnd(const char* p) const {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  for (; p < end_; p += 8) {
    uint64_t chunk;
    std::memcpy(&chunk, p, 8);
    // A byte's highest bit is set below the first quote, backslash, control or non-ASCII character nowhere, and in it.
    const uint64_t quote = (chunk ^ ('"' * kOnes)) - kOnes;
    const uint64_t escape = (chunk ^ ('\\' * kOnes)) - kOnes;
    const uint64_t control = chunk - 0x20 * kOnes;
    const uint64_t found = (quote | escape | control | chunk) & (0x80 * kOnes);
    if (found == 0) continue;
    p += __builtin_ctzll(found) >> 3;
    return *p == '"' ? p : nullptr;
  }
  return nullptr;
}

const char* QuickReader::Text(const JsonNode* node, const char* p) {
  const char* end = TextEnd(p + 1);
  if (end == nullptr) return nullptr;
  const std::string_view quoted(p, static_cast<size_t>(end + 1 - p));
  if (node != nullptr) values_->TakeText(*node, quoted.substr(1, quoted.size() - 2), quoted);
  return end + 1;
}

const char* QuickReader::Word(const JsonNode* node, const char* p) {
  static const JsonNode kNowhere;
  const JsonNode& target = node != nullptr ? *node : kNowhere;
  if (std::memcmp(p, "true", 4) == 0) {
    values_->TakeBool(target, true);
    return p + 4;
  }
  if (std::memcmp(p, "false", 5) == 0) {
    values_->TakeBool(target, false);
    return p + 5;
  }
  if (std::memcmp(p, "null", 4) == 0) {
    values_->TakeNull(target);
    return p + 4;
  }
  return nullptr;
}

}  // namespace

bool ReadQuickly(const JsonNode& root, std::string_view bytes, JsonValues* values) {
  const char* const end = bytes.data() + bytes.size();
  return bytes.front() == '{' && QuickReader(end, values).Object(root, bytes.data(), 0) == end;
}

}  // namespace ebb
