// How messages look: colour only where a person reads it, a progress bar on a terminal and a line every ten seconds
// elsewhere. Results go to standard output, everything here to standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace ebb {

// Whether standard error (or output) may be coloured: a terminal, NO_COLOR unset or empty, TERM not "dumb".
bool ColourOnStderr();
bool ColourOnStdout();
bool StderrIsTerminal();
bool StdoutIsTerminal();
// Whether more than ASCII may be written: always where no person looks on, and on a terminal whose locale is UTF-8.
bool Utf8OnStderr();
bool Utf8OnStdout();
// Columns of the terminal, or of COLUMNS when that is set; 120 where there is none.
int WidthOfStderr();
int WidthOfStdout();

enum class Style { kBold, kDim, kRed, kGreen, kYellow, kCyan };
// The text in the style, or as it is without colour.
std::string Styled(std::string_view text, Style style, bool colour);

// How many columns of a terminal the text takes; East Asian characters take two.
size_t ColumnsOf(std::string_view text);
// The text, or as much of its beginning as fits into `columns` with a sign that something is missing.
std::string Cut(std::string_view text, int columns, bool utf8);

// "ebb: message" on standard error.
void Complain(const absl::Status& status);
void Complain(std::string_view message);

// 1234567 as "1,234,567".
std::string Thousands(int64_t number);

// Shows how far a run has come. Confined to its task's thread.
class ProgressBar {
 public:
  // Quiet shows nothing.
  explicit ProgressBar(bool quiet);
  // `share` in 0..1, negative when unknown; `records` read so far; `note` is shown behind. Draws at most ten times a
  // second.
  void Update(double share, int64_t records, std::string_view note);
  // Takes the bar off the screen.
  void Clear();

 private:
  const bool quiet_;
  const bool terminal_;
  int64_t started_ms_;
  int64_t drawn_ms_;
  bool visible_ = false;
};

}  // namespace ebb
