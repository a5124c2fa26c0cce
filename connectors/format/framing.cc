// Line ends are "\n" and "\r\n". A CSV quote opens a cell only where a cell begins, as the decoder reads it, and a
// quoted cell must be followed by a comma or the record's end: the first place where that fails gives the record up.
#include "connectors/format/framing.h"

#include <algorithm>
#include <cstring>

namespace ebb {
namespace {

constexpr size_t kNotFound = std::string_view::npos;
constexpr size_t kMaxBytes = static_cast<size_t>(kMaxRecordBytes);

size_t FindByte(std::string_view text, char byte, size_t from) {
  const void* found = std::memchr(text.data() + from, byte, text.size() - from);
  return found == nullptr ? kNotFound : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

std::string_view WithoutReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

enum class Scan { kEnd, kMalformed, kMore };

// Looks for the end of the CSV record at the beginning of `text`: `*end` is its newline, or text.size() when `last`.
Scan FindCsvEnd(std::string_view text, bool last, size_t* end) {
  size_t at = 0;
  while (true) {
    if (at < text.size() && text[at] == '"') {
      for (++at;; at += 2) {  // over doubled quotes
        at = FindByte(text, '"', std::min(at, text.size()));
        if (at == kNotFound) return Scan::kMore;
        if (at + 1 == text.size() && !last) return Scan::kMore;
        if (at + 1 == text.size() || text[at + 1] != '"') break;
      }
      ++at;
      if (at < text.size() && text[at] == '\r') {
        if (at + 1 == text.size() && !last) return Scan::kMore;
        if (at + 1 == text.size() || text[at + 1] == '\n') ++at;
      }
      if (at < text.size() && text[at] != ',' && text[at] != '\n') return Scan::kMalformed;
    } else {
      while (at < text.size() && text[at] != ',' && text[at] != '\n') ++at;
    }
    if (at == text.size()) {
      *end = at;
      return last ? Scan::kEnd : Scan::kMore;
    }
    if (text[at] == '\n') {
      *end = at;
      return Scan::kEnd;
    }
    ++at;  // the comma
  }
}

}  // namespace

bool Framer::Next(std::string_view* text, bool last, Frame* frame) {
  if (in_long_line_) {
    const size_t newline = text->find('\n');
    in_long_line_ = newline == kNotFound;
    text->remove_prefix(in_long_line_ ? text->size() : newline + 1);
  }
  if (text->empty()) return false;
  return csv_ ? NextCsv(text, last, frame) : NextLine(text, last, frame);
}

bool Framer::NextLine(std::string_view* text, bool last, Frame* frame) {
  const size_t newline = FindByte(*text, '\n', 0);
  if (newline == kNotFound && !last && text->size() <= kMaxRest) return false;
  const std::string_view line = WithoutReturn(text->substr(0, newline));
  in_long_line_ = newline == kNotFound && !last;
  text->remove_prefix(newline == kNotFound ? text->size() : newline + 1);
  if (line.empty() && newline == kNotFound) return false;
  const bool too_large = line.size() > kMaxBytes;
  frame->bytes = too_large ? line.substr(0, Frame::kMaxShownBytes) : line;
  frame->reason = too_large ? Reason::kTooLarge : Reason::kNone;
  return true;
}

bool Framer::NextCsv(std::string_view* text, bool last, Frame* frame) {
  const size_t newline = text->find('\n');
  const std::string_view line = text->substr(0, newline);
  if (line.size() > kMaxRest || FindByte(line, '"', 0) == kNotFound) return NextLine(text, last, frame);
  size_t end = 0;
  const std::string_view window = text->substr(0, kMaxRest + 1);
  const Scan scan = FindCsvEnd(window, last && window.size() == text->size(), &end);
  if (scan == Scan::kMore && !last && text->size() <= kMaxRest) return false;
  const std::string_view record = scan == Scan::kEnd ? WithoutReturn(text->substr(0, end)) : std::string_view();
  if (scan != Scan::kEnd || record.size() > kMaxBytes) {
    if (newline == kNotFound && !last && text->size() <= kMaxRest) return false;  // its first line isn't whole
    NextLine(text, last, frame);
    if (frame->reason == Reason::kNone) frame->reason = Reason::kCsvSyntax;
    return true;
  }
  text->remove_prefix(std::min(end + 1, text->size()));
  frame->bytes = record;
  frame->reason = Reason::kNone;
  return true;
}

}  // namespace ebb
