// How it works, for a record that the quick reader (json_quick.h) doesn't know how to read:
//   1. simdjson's first stage finds where each token begins (vectorized) and checks UTF-8, quotes, control characters.
//      Its own walkers stop short of what is needed here: they don't check skipped values, and may look past the end.
//   2. One walk over the token positions checks JSON's grammar. A wanted member is known by its place (MemberMemory)
//      and converted; any other value is only checked.
//   3. RecordRules gives the verdict. A record that isn't JSON is named so, whatever else is wrong with it.
#include "connectors/format/json_decoder.h"

#include <simdjson.h>

#include <array>
#include <cstring>
#include <string>

#include "connectors/format/json_paths.h"
#include "connectors/format/json_quick.h"
#include "connectors/format/json_text.h"
#include "connectors/format/json_values.h"
#include "connectors/format/number.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr size_t kUsualRecordBytes = 64 << 10;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A position in the list of tokens; kFailed when the record can't be read further (the first token is never a result).
using At = uint32_t;
constexpr At kFailed = 0;

// Confined to its task's thread.
class JsonDecoder final : public FormatDecoder {
 public:
  explicit JsonDecoder(const SourceSchema& schema) : rules_(schema), paths_(schema), values_(schema) {
    Allocate(kUsualRecordBytes);
  }

  Reason Decode(std::string_view bytes, RecordBuilder* out) override;
  Reason DecodeTombstone(std::string_view key, RecordBuilder* out) override { return rules_.Tombstone(key, out); }
  std::string_view time_text() const override { return values_.time_text(); }

 private:
  void Allocate(size_t capacity);
  bool ReadQuickly(std::string_view bytes);
  Reason FindTokens(std::string_view bytes);
  At Fail(Reason reason) {
    failure_ = reason;
    return kFailed;
  }

  // Each of these takes the position of a value's first token, `depth` being that of the container it stands in, and
  // returns the position after the value. A value's last token is never the list's last: callers see to it.
  At Object(JsonNode& node, At at, int depth);
  At Array(JsonNode& node, At at, int depth);
  At Take(JsonNode& node, At at, int depth);
  At TakeContainer(JsonNode& node, At at, int depth);
  At TakeString(const JsonNode& node, At at);
  At TakeNumber(const JsonNode& node, At at);
  At TakeWord(const JsonNode& node, At at);
  At Skip(At at, int depth);
  At SkipScalar(At at);
  At SkipContainer(At at, int depth);

  bool FindMember(JsonNode& node, At at, const MemberName** expected, JsonNode** child);

  char Token(At at) const { return bytes_[tokens_[at]]; }
  bool StringAt(At at, std::string_view* raw) const;
  bool NumberAt(At at, Number* number) const;
  template <size_t N>
  bool WordAt(At at, const char (&word)[N]) const;
  bool Unescape(std::string_view* text);

  // Constant.
  const RecordRules rules_;
  // Grows with the records.
  JsonPaths paths_;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> scanner_;
  size_t capacity_ = 0;
  uint64_t record_ = 0;
  uint64_t strangers_ = 0;  // records since the last one that was read quickly
  // Of the record at hand.
  const char* bytes_ = nullptr;
  const uint32_t* tokens_ = nullptr;
  At token_count_ = 0;
  bool has_escapes_ = false;
  Reason failure_ = Reason::kNone;
  JsonValues values_;
  std::string unescaped_;
};

void JsonDecoder::Allocate(size_t capacity) {
  const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      capacity, simdjson::DEFAULT_MAX_DEPTH, scanner_);
  EBB_CHECK(error == simdjson::SUCCESS, "no memory to scan JSON records of {} bytes", capacity);
  capacity_ = capacity;
}

Reason JsonDecoder::FindTokens(std::string_view bytes) {
  if (bytes.size() > static_cast<size_t>(kMaxRecordBytes)) return Reason::kTooLarge;
  if (bytes.empty()) return Reason::kNullValue;
  if (bytes.size() > capacity_) Allocate(static_cast<size_t>(kMaxRecordBytes));
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto error = scanner_->stage1(begin, bytes.size(), simdjson::stage1_mode::regular);
  if (error == simdjson::SUCCESS) [[likely]]
    return Reason::kNone;
  // Which error is found first depends on the machine's instruction set; the reason must not.
  if (!simdjson::validate_utf8(bytes.data(), bytes.size())) return Reason::kEncoding;
  for (const char c : bytes) {
    if (!IsSpace(c)) return Reason::kJsonSyntax;
  }
  return Reason::kNullValue;
}

// Where records always look different, trying is given up, but for one of them now and then.
bool JsonDecoder::ReadQuickly(std::string_view bytes) {
  constexpr uint64_t kTries = 8, kNowAndThen = 32;
  if (strangers_ >= kTries && strangers_ % kNowAndThen != 0) {
    ++strangers_;
    return false;
  }
  if (bytes.empty() || bytes.size() > kUsualRecordBytes) return false;
  strangers_ = ebb::ReadQuickly(*paths_.root(), bytes, &values_) ? 0 : strangers_ + 1;
  return strangers_ == 0;
}

Reason JsonDecoder::Decode(std::string_view bytes, RecordBuilder* out) {
  out->Reset(rules_.slot_count());
  values_.Begin(out);
  if (ReadQuickly(bytes)) [[likely]]
    return rules_.Finish(values_.faults(), out);
  out->Reset(rules_.slot_count());
  values_.Begin(out);
  failure_ = FindTokens(bytes);
  if (failure_ == Reason::kNone) [[likely]] {
    ++record_;
    bytes_ = bytes.data();
    tokens_ = scanner_->structural_indexes.get();
    token_count_ = scanner_->n_structural_indexes;
    has_escapes_ = std::memchr(bytes.data(), '\\', bytes.size()) != nullptr;
    if (token_count_ < 2 || Token(0) != '{') {
      failure_ = Reason::kJsonSyntax;
    } else if (const At end = Object(*paths_.root(), 0, 0); end != kFailed && end != token_count_) {
      failure_ = Reason::kJsonSyntax;
    }
    if (failure_ == Reason::kNone) return rules_.Finish(values_.faults(), out);
  }
  const bool has_nul = failure_ == Reason::kJsonSyntax && std::memchr(bytes.data(), '\0', bytes.size()) != nullptr;
  return has_nul ? Reason::kEncoding : failure_;
}

At JsonDecoder::Object(JsonNode& node, At at, int depth) {
  if (++depth > kMaxDepth) return Fail(Reason::kTooDeep);
  if (Token(++at) == '}') return at + 1;
  const char* const bytes = bytes_;
  const uint32_t* const tokens = tokens_;
  const At count = token_count_;
  const MemberName* expected = node.memory.begin();
  const MemberName* end = node.memory.end();
  for (int members = 1;; ++members) {
    // A name, a colon, the value's first token, and one behind the value.
    if (at + 3 >= count) return Fail(Reason::kJsonSyntax);
    if (members > kMaxRecordFields) return Fail(Reason::kTooManyFields);
    JsonNode* child;
    if (expected != end && expected->Is(bytes + tokens[at], tokens[at + 1] - tokens[at] + 1)) [[likely]] {
      child = expected->node();
      ++expected;
    } else {
      if (!FindMember(node, at, &expected, &child)) return Fail(Reason::kJsonSyntax);
      end = node.memory.end();
    }
    at += 2;
    if (child != nullptr) {
      at = Take(*child, at, depth);
    } else if (bytes[tokens[at]] == '"' && !has_escapes_) {
      ++at;  // who doesn't need the text needn't find its end
    } else {
      at = Skip(at, depth);
    }
    if (at == kFailed) return kFailed;
    if (at >= count) return Fail(Reason::kJsonSyntax);
    const char next = bytes[tokens[at++]];
    if (next == '}') return at;
    if (next != ',') return Fail(Reason::kJsonSyntax);
  }
}

// Finds the place of a member that isn't the expected one, null if it isn't read, and what is expected after it. False
// if no name and colon stand there.
bool JsonDecoder::FindMember(JsonNode& node, At at, const MemberName** expected, JsonNode** child) {
  const char* token = bytes_ + tokens_[at];
  const size_t size = tokens_[at + 1] - tokens_[at] + 1;
  if (const MemberName* known = node.memory.Find(token, size, *expected)) {
    *child = known->node();
    *expected = known + 1;
    return true;
  }
  std::string_view name;
  if (*token != '"' || Token(at + 1) != ':' || !StringAt(at, &name)) return false;
  const bool has_spaces = name.size() + 3 != size;
  const bool escaped = has_escapes_ && name.find('\\') != std::string_view::npos;
  if (escaped && !Unescape(&name)) return false;
  *child = node.Child(name);
  // The memory knows names as they usually stand in a record.
  if (!escaped && !has_spaces) *expected = node.memory.Learn(name, *child, *expected);
  return true;
}

At JsonDecoder::Array(JsonNode& node, At at, int depth) {
  if (++depth > kMaxDepth) return Fail(Reason::kTooDeep);
  if (Token(++at) == ']') return at + 1;
  for (int64_t element = 0;; ++element) {
    if (at + 1 >= token_count_) return Fail(Reason::kJsonSyntax);
    JsonNode* child = node.Element(element);
    at = child == nullptr ? Skip(at, depth) : Take(*child, at, depth);
    if (at == kFailed) return kFailed;
    if (at >= token_count_) return Fail(Reason::kJsonSyntax);
    const char next = Token(at++);
    if (next == ']') return at;
    if (next != ',') return Fail(Reason::kJsonSyntax);
  }
}

At JsonDecoder::Take(JsonNode& node, At at, int depth) {
  if (node.seen_in == record_) [[unlikely]] {
    values_.TakeDuplicate();
    return Skip(at, depth);
  }
  node.seen_in = record_;
  switch (Token(at)) {
    case '"':
      return TakeString(node, at);
    case '{':
    case '[':
      return TakeContainer(node, at, depth);
    case 't':
    case 'f':
    case 'n':
      return TakeWord(node, at);
    default:
      return TakeNumber(node, at);
  }
}

At JsonDecoder::TakeContainer(JsonNode& node, At at, int depth) {
  values_.TakeContainer(node);
  if (node.children.empty()) return Skip(at, depth);
  return Token(at) == '{' ? Object(node, at, depth) : Array(node, at, depth);
}

At JsonDecoder::TakeString(const JsonNode& node, At at) {
  std::string_view text;
  if (!StringAt(at, &text)) return Fail(Reason::kJsonSyntax);
  const std::string_view quoted(text.data() - 1, text.size() + 2);
  if (has_escapes_ && text.find('\\') != std::string_view::npos && !Unescape(&text)) return Fail(Reason::kJsonSyntax);
  values_.TakeText(node, text, quoted);
  return at + 1;
}

At JsonDecoder::TakeNumber(const JsonNode& node, At at) {
  Number number;
  if (!NumberAt(at, &number)) return Fail(Reason::kJsonSyntax);
  values_.TakeNumber(node, number);
  return at + 1;
}

At JsonDecoder::TakeWord(const JsonNode& node, At at) {
  if (Token(at) == 'n') {
    if (!WordAt(at, "null")) return Fail(Reason::kJsonSyntax);
    values_.TakeNull(node);
    return at + 1;
  }
  const bool value = Token(at) == 't';
  if (!(value ? WordAt(at, "true") : WordAt(at, "false"))) return Fail(Reason::kJsonSyntax);
  values_.TakeBool(node, value);
  return at + 1;
}

At JsonDecoder::Skip(At at, int depth) {
  const char first = Token(at);
  return first == '{' || first == '[' ? SkipContainer(at, depth) : SkipScalar(at);
}

At JsonDecoder::SkipScalar(At at) {
  bool good = false;
  switch (Token(at)) {
    case '"':
      if (!has_escapes_) [[likely]]
        return at + 1;
      if (std::string_view raw; StringAt(at, &raw)) good = raw.find('\\') == std::string_view::npos || Unescape(&raw);
      break;
    case 't':
      good = WordAt(at, "true");
      break;
    case 'f':
      good = WordAt(at, "false");
      break;
    case 'n':
      good = WordAt(at, "null");
      break;
    default:
      Number number;
      good = NumberAt(at, &number);
  }
  return good ? at + 1 : Fail(Reason::kJsonSyntax);
}

// Checks a whole object or array without recursion.
At JsonDecoder::SkipContainer(At at, int depth) {
  uint64_t objects = 0;  // bit d: the open container of depth d is an object
  std::array<int, kMaxDepth + 1> members;
  const int outside = depth;
  bool value_next = true;  // else what follows a value
  while (true) {
    if (value_next) {
      if (depth > outside && (objects >> depth & 1) != 0) {
        std::string_view raw;
        if (at + 3 >= token_count_ || Token(at) != '"' || Token(at + 1) != ':' || !StringAt(at, &raw) ||
            (has_escapes_ && !Unescape(&raw))) {
          return Fail(Reason::kJsonSyntax);
        }
        if (++members[static_cast<size_t>(depth)] > kMaxRecordFields) return Fail(Reason::kTooManyFields);
        at += 2;
      }
      if (at + 1 >= token_count_) return Fail(Reason::kJsonSyntax);
      const char first = Token(at);
      if (first != '{' && first != '[') {
        at = SkipScalar(at);
        if (at == kFailed) return kFailed;
        value_next = false;
        continue;
      }
      if (++depth > kMaxDepth) return Fail(Reason::kTooDeep);
      members[static_cast<size_t>(depth)] = 0;
      const uint64_t bit = uint64_t{1} << depth;
      objects = first == '{' ? objects | bit : objects & ~bit;
      const char second = Token(++at);
      value_next = second != (first == '{' ? '}' : ']');
      if (value_next) continue;
    } else if (at >= token_count_) {
      return Fail(Reason::kJsonSyntax);
    }
    const char next = Token(at++);
    const char close = (objects >> depth & 1) != 0 ? '}' : ']';
    value_next = next == ',';
    if (value_next) continue;
    if (next != close) return Fail(Reason::kJsonSyntax);
    if (--depth == outside) return at;
  }
}

// The bytes between the quotes. Only spaces may stand between the string and the next token.
inline bool JsonDecoder::StringAt(At at, std::string_view* raw) const {
  const char* begin = bytes_ + tokens_[at] + 1;
  const char* end = bytes_ + tokens_[at + 1] - 1;
  while (end >= begin && IsSpace(*end)) --end;
  if (end < begin || *end != '"') return false;
  *raw = std::string_view(begin, static_cast<size_t>(end - begin));
  return true;
}

inline bool JsonDecoder::NumberAt(At at, Number* number) const {
  // The next token is no digit, so that the number ends before it; reading may go on into the padding.
  const char* next = bytes_ + tokens_[at + 1];
  const char* p = ScanNumber(bytes_ + tokens_[at], next + kReadPadding, NumberStyle::kJson, number);
  return p != nullptr && (p == next || IsSpace(*p));
}

template <size_t N>
inline bool JsonDecoder::WordAt(At at, const char (&word)[N]) const {
  constexpr size_t kSize = N - 1;
  const size_t size = tokens_[at + 1] - tokens_[at];
  const char* begin = bytes_ + tokens_[at];
  return size >= kSize && std::memcmp(begin, word, kSize) == 0 && (size == kSize || IsSpace(begin[kSize]));
}

bool JsonDecoder::Unescape(std::string_view* text) {
  if (!UnescapeJson(*text, &unescaped_)) return false;
  *text = unescaped_;
  return true;
}

}  // namespace

std::unique_ptr<FormatDecoder> NewJsonDecoder(const SourceSchema& schema) {
  return std::make_unique<JsonDecoder>(schema);
}

}  // namespace ebb
