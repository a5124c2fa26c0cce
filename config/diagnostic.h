// Errors of a pipeline file as people meet them: each with a stable code, a place, a sentence, a hint. All errors of a
// file are collected in one Diagnostics and shown in the order in which they stand in the file.
//
//   Diagnostics diagnostics("telecom.yaml", text);
//   diagnostics.Add("E0104", span, "unknown aggregation 'cuont'", "did you mean 'count'?", {"known: count, sum"});
//   std::cerr << RenderText(diagnostics);
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace ebb {

// Whether a byte of UTF-8 goes on a character, so that it isn't counted.
inline bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// 1-based; columns count characters, as an editor does. Line 0: the file as a whole. File 0 is the one that was asked
// for, others are those that it includes, in the order in which they are read.
struct Position {
  int line = 0;
  int column = 0;
  int file = 0;
  friend bool operator==(const Position&, const Position&) = default;
  friend auto operator<=>(const Position& a, const Position& b) {
    return std::tie(a.file, a.line, a.column) <=> std::tie(b.file, b.line, b.column);
  }
};

// `end` is one past the last character.
struct Span {
  Position begin;
  Position end;
};

struct Diagnostic {
  std::string code;  // "E0104", one of the table in error_codes.h
  Span span;
  std::string message;  // without a full stop
  std::string hint;     // stands beside the caret; may be empty
  std::vector<std::string> notes;
};

// Collects the errors of one file, and of those that it includes. Confined to its task's thread.
class Diagnostics {
 public:
  // `text` is the file's content, from which lines are shown.
  explicit Diagnostics(std::string file, std::string text = "") : files_{{std::move(file), std::move(text), {}}} {}

  // A file that is included at `place`; gives its number for Position::file.
  int AddFile(std::string name, std::string text, Position place);

  // No more errors than this are kept.
  static constexpr size_t kMaxDiagnostics = 1000;

  // `code` must be in the table. An error that equals an earlier one in code, place and message is not added.
  void Add(std::string_view code, Span span, std::string message, std::string hint = "",
           std::vector<std::string> notes = {});

  bool empty() const { return diagnostics_.empty(); }
  size_t size() const { return diagnostics_.size(); }
  // There is no room for another error.
  bool full() const { return diagnostics_.size() == kMaxDiagnostics; }
  // Errors that were found, and not kept. There may be more: who sees full() needn't look on.
  size_t left_out() const { return left_out_; }
  // In order of position. The notes of an error in an included file begin with the places of the includes.
  std::vector<Diagnostic> Sorted() const;
  const std::string& file(int number = 0) const { return files_[number].name; }
  const std::string& text(int number = 0) const { return files_[number].text; }
  int file_count() const { return static_cast<int>(files_.size()); }
  // "line 7", or "base.yaml:7" for a place in another file than `reader`.
  std::string LineText(Position place, Position reader) const;

 private:
  struct File {
    std::string name, text;
    Position included;  // where; of no meaning for the first
  };

  std::vector<File> files_;
  std::vector<Diagnostic> diagnostics_;
  size_t left_out_ = 0;
};

// Each error as file:line:column, code and message; the line with its number; the caret run with the hint; the notes.
std::string RenderText(const Diagnostics& diagnostics);
// {"file":...,"errors":[{"file","code","line","column","end_line","end_column","message","hint","notes"},...],
// "left_out":0} and a newline.
std::string RenderJson(const Diagnostics& diagnostics);

// The candidate with the smallest Damerau-Levenshtein distance, if it is near enough to be a slip of the pen: at most
// one edit for each three characters. Upper and lower case count as equal. Ties go to the earlier candidate.
std::optional<std::string> NearestName(std::string_view name, std::span<const std::string> candidates);
// "did you mean 'count'?", or empty.
std::string DidYouMean(std::string_view name, std::span<const std::string> candidates);
// "known: count, sum, mean" (at most twelve, then "..."); "known: none" without any.
std::string KnownNames(std::span<const std::string> names);
// The text in single quotes for a message: control characters as \xNN, cut after 60 characters.
std::string Quoted(std::string_view text);

}  // namespace ebb
