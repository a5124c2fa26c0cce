// JSON escapes (RFC 8259, section 7).
#include "connectors/format/json_text.h"

#include <cstdint>
#include <optional>

namespace ebb {
namespace {

// The value of the four hexadecimal digits at the beginning of `text`.
std::optional<uint32_t> FourHexDigits(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
    return;
  }
  if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | code >> 6));
  } else {
    if (code < 0x10000) {
      out->push_back(static_cast<char>(0xE0 | code >> 12));
    } else {
      out->push_back(static_cast<char>(0xF0 | code >> 18));
      out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    }
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  }
  out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

// Reads what follows "\u", surrogate pair included, and moves `text` past it.
bool UnescapeCodePoint(std::string_view* text, std::string* out) {
  const std::optional<uint32_t> first = FourHexDigits(*text);
  if (!first.has_value()) return false;
  text->remove_prefix(4);
  if (*first < 0xD800 || *first > 0xDFFF) {
    AppendUtf8(*first, out);
    return true;
  }
  if (*first > 0xDBFF || text->substr(0, 2) != "\\u") return false;
  text->remove_prefix(2);
  const std::optional<uint32_t> second = FourHexDigits(*text);
  if (!second.has_value() || *second < 0xDC00 || *second > 0xDFFF) return false;
  text->remove_prefix(4);
  AppendUtf8(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), out);
  return true;
}

}  // namespace

bool UnescapeJson(std::string_view raw, std::string* out) {
  out->clear();
  while (true) {
    const size_t plain = raw.find('\\');
    out->append(raw.substr(0, plain));
    if (plain == std::string_view::npos) return true;
    if (plain + 1 >= raw.size()) return false;
    const char kind = raw[plain + 1];
    raw.remove_prefix(plain + 2);
    switch (kind) {
      case '"':
      case '\\':
      case '/':
        out->push_back(kind);
        break;
      case 'b':
        out->push_back('\b');
        break;
      case 'f':
        out->push_back('\f');
        break;
      case 'n':
        out->push_back('\n');
        break;
      case 'r':
        out->push_back('\r');
        break;
      case 't':
        out->push_back('\t');
        break;
      case 'u':
        if (!UnescapeCodePoint(&raw, out)) return false;
        break;
      default:
        return false;
    }
  }
}

}  // namespace ebb
