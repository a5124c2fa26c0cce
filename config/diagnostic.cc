// Rendering of errors as text and JSON, and the search for the nearest name.
#include "config/diagnostic.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "config/error_codes.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr int kMaxShownNames = 12;
constexpr size_t kMaxQuotedChars = 60;
constexpr int kMaxLineColumns = 160;  // of a source line; a longer one is shown in part

// The lines of `text` without their ends.
std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(text.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
}

std::vector<std::string> SplitCharacters(std::string_view line) {
  std::vector<std::string> characters;
  for (char c : line) {
    if (IsContinuation(c) && !characters.empty()) {
      characters.back() += c;
    } else {
      characters.emplace_back(1, c);
    }
  }
  return characters;
}

// Columns of a terminal that a character takes: two for the wide East Asian ranges and pictographs.
int DisplayWidth(const std::string& character) {
  if (character.size() < 3) return 1;
  auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(character[i])) & 0x3F; };
  unsigned code = character.size() == 3 ? (byte(0) & 0x0F) << 12 | byte(1) << 6 | byte(2)
                                        : (byte(0) & 0x07) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3);
  static constexpr std::pair<unsigned, unsigned> kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                                            {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                                            {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  for (auto [low, high] : kWide) {
    if (code >= low && code <= high) return 2;
  }
  return 1;
}

std::string Printable(const std::string& character) {
  unsigned char c = static_cast<unsigned char>(character[0]);
  return character.size() == 1 && (c < 0x20 || c >= 0x7F) ? (c == '\t' ? " " : "?") : character;
}

void AppendLineAndCaret(const Diagnostic& d, std::string_view line, std::string* out) {
  std::vector<std::string> characters = SplitCharacters(line);
  int length = static_cast<int>(characters.size());
  int first = std::clamp(d.span.begin.column - 1, 0, length);
  int last = d.span.end.line == d.span.begin.line ? d.span.end.column - 1 : length;
  last = std::clamp(last, first, length);
  int from = length > kMaxLineColumns && first > kMaxLineColumns / 2 ? first - kMaxLineColumns / 2 : 0;
  int to = std::min(length, from + kMaxLineColumns);
  std::string shown = from > 0 ? "..." : "";
  std::string below(shown.size(), ' ');
  for (int i = from; i < to; ++i) {
    shown += Printable(characters[i]);
    char mark = i < first ? ' ' : (i < last ? '^' : '\0');
    if (mark != '\0') below.append(DisplayWidth(characters[i]), mark);
  }
  if (to < length) shown += "...";
  if (first == last) below += '^';
  if (!d.hint.empty()) below += " " + d.hint;
  *out += fmt::format("{:>5} | {}\n      | {}\n", d.span.begin.line, shown, below);
}

void AppendJsonText(std::string_view text, std::string* out) {
  *out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      *out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr size_t kMaxComparedBytes = 64;

// Optimal string alignment: insertions, deletions, replacements, swaps of neighbours. Names of at most
// kMaxComparedBytes.
int EditDistance(std::string_view a, std::string_view b) {
  int d[kMaxComparedBytes + 1][kMaxComparedBytes + 1];
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      int cost = Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      bool swapped = i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) && Lower(a[i - 2]) == Lower(b[j - 1]);
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

void Diagnostics::Add(std::string_view code, Span span, std::string message, std::string hint,
                      std::vector<std::string> notes) {
  EBB_CHECK(FindErrorCode(code) != nullptr, "{} is not in the table", code);
  if (full()) {
    ++left_out_;
    return;
  }
  for (const Diagnostic& d : diagnostics_) {
    if (d.code == code && d.span.begin == span.begin && d.message == message) return;
  }
  diagnostics_.push_back({std::string(code), span, std::move(message), std::move(hint), std::move(notes)});
}

int Diagnostics::AddFile(std::string name, std::string text, Position place) {
  files_.push_back({std::move(name), std::move(text), place});
  return file_count() - 1;
}

std::string Diagnostics::LineText(Position place, Position reader) const {
  if (place.file == reader.file) return fmt::format("line {}", place.line);
  return fmt::format("{}:{}", file(place.file), place.line);
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = diagnostics_;
  for (Diagnostic& d : sorted) {
    std::vector<std::string> includes;
    for (int number = d.span.begin.file; number > 0; number = files_[number].included.file) {
      const Position& at = files_[number].included;
      includes.push_back(fmt::format("included at {}:{}:{}", file(at.file), at.line, at.column));
    }
    d.notes.insert(d.notes.begin(), includes.begin(), includes.end());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.span.begin, a.code) < std::tie(b.span.begin, b.code);
  });
  return sorted;
}

std::string RenderText(const Diagnostics& diagnostics) {
  std::vector<std::vector<std::string_view>> lines_by_file;
  for (int number = 0; number < diagnostics.file_count(); ++number) {
    lines_by_file.push_back(SplitLines(diagnostics.text(number)));
  }
  std::string out;
  for (const Diagnostic& d : diagnostics.Sorted()) {
    const std::string& file = diagnostics.file(d.span.begin.file);
    const std::vector<std::string_view>& lines = lines_by_file[d.span.begin.file];
    size_t line = static_cast<size_t>(d.span.begin.line);
    if (line == 0) {
      out += fmt::format("{}: error {}: {}\n", file, d.code, d.message);
      if (!d.hint.empty()) out += fmt::format("  {}\n", d.hint);
    } else {
      out += fmt::format("{}:{}:{}: error {}: {}\n", file, line, d.span.begin.column, d.code, d.message);
      if (line <= lines.size()) AppendLineAndCaret(d, lines[line - 1], &out);
    }
    for (size_t i = 0; i + 1 < d.notes.size(); ++i) out += fmt::format("  {}\n", d.notes[i]);
    if (!d.notes.empty()) out += fmt::format("  {:<40}", d.notes.back());
    out += fmt::format("  ebb explain {}\n", d.code);
  }
  if (diagnostics.left_out() > 0) {
    out += fmt::format("{}: {} or more further errors are not shown\n", diagnostics.file(), diagnostics.left_out());
  }
  return out;
}

std::string RenderJson(const Diagnostics& diagnostics) {
  std::string out = "{\"file\":";
  AppendJsonText(diagnostics.file(), &out);
  out += ",\"errors\":[";
  bool first = true;
  for (const Diagnostic& d : diagnostics.Sorted()) {
    if (!first) out += ',';
    first = false;
    out += "{\"file\":";
    AppendJsonText(diagnostics.file(d.span.begin.file), &out);
    out +=
        fmt::format(",\"code\":\"{}\",\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{},\"message\":", d.code,
                    d.span.begin.line, d.span.begin.column, d.span.end.line, d.span.end.column);
    AppendJsonText(d.message, &out);
    out += ",\"hint\":";
    AppendJsonText(d.hint, &out);
    out += ",\"notes\":[";
    for (size_t i = 0; i < d.notes.size(); ++i) {
      if (i > 0) out += ',';
      AppendJsonText(d.notes[i], &out);
    }
    out += "]}";
  }
  out += fmt::format("],\"left_out\":{}}}\n", diagnostics.left_out());
  return out;
}

std::optional<std::string> NearestName(std::string_view name, std::span<const std::string> candidates) {
  if (name.empty() || name.size() > kMaxComparedBytes) return std::nullopt;
  std::optional<std::string> best;
  int best_distance = static_cast<int>(name.size() + 2) / 3 + 1;
  for (const std::string& candidate : candidates) {
    int longer = std::abs(static_cast<int>(candidate.size()) - static_cast<int>(name.size()));
    if (candidate.size() > kMaxComparedBytes || longer >= best_distance) continue;
    int distance = EditDistance(name, candidate);
    if (distance < best_distance && distance < static_cast<int>(std::max(name.size(), candidate.size()))) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view name, std::span<const std::string> candidates) {
  std::optional<std::string> nearest = NearestName(name, candidates);
  return nearest ? fmt::format("did you mean '{}'?", *nearest) : "";
}

std::string KnownNames(std::span<const std::string> names) {
  std::string out = "known: ";
  if (names.empty()) return out + "none";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i == kMaxShownNames) return out + ", ...";
    if (i > 0) out += ", ";
    out += names[i];
  }
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  std::vector<std::string> characters = SplitCharacters(text);
  for (size_t i = 0; i < characters.size(); ++i) {
    if (i == kMaxQuotedChars) return out + "...'";
    unsigned char c = static_cast<unsigned char>(characters[i][0]);
    bool plain = characters[i].size() > 1 || (c >= 0x20 && c < 0x7F);
    out += plain ? characters[i] : fmt::format("\\x{:02x}", c);
  }
  return out + "'";
}

}  // namespace ebb
