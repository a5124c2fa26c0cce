// Colours, the progress bar.
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace ebb {
namespace {

constexpr int kBarWidth = 28;
constexpr int64_t kRedrawMs = 100;
constexpr int64_t kLineMs = 10000;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool Colour(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(descriptor) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

bool Utf8(int descriptor) {
  if (isatty(descriptor) == 0) return true;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string lower;
    for (const char* c = value; *c != '\0'; ++c)
      lower += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

int Width(int descriptor) {
  constexpr int kLeast = 40, kOtherwise = 120;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr && std::atoi(columns) > 0) {
    return std::max(kLeast, std::atoi(columns));
  }
  winsize size{};
  if (isatty(descriptor) == 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kOtherwise;
  return std::max<int>(kLeast, size.ws_col);
}

// The bytes of the character at the beginning of a text, and the columns that it takes. Characters of three bytes below
// U+2E80 are signs, those above are East Asian or pictographs.
std::pair<size_t, size_t> FirstCharacter(std::string_view text) {
  size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) ++bytes;
  const bool wide = bytes == 4 || (bytes == 3 && text.substr(0, 2) >= "\xE2\xBA");
  return {bytes, wide ? 2 : 1};
}

}  // namespace

size_t ColumnsOf(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = FirstCharacter(text);
    columns += wide;
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string Cut(std::string_view text, int columns, bool utf8) {
  const auto room = static_cast<size_t>(std::max(0, columns));
  if (ColumnsOf(text) <= room) return std::string(text);
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = FirstCharacter(text);
    if (used + wide + 1 > room) break;
    out += text.substr(0, bytes);
    used += wide;
    text.remove_prefix(bytes);
  }
  return room == 0 ? out : out + (utf8 ? "…" : "~");
}

bool ColourOnStderr() { return Colour(STDERR_FILENO); }
bool ColourOnStdout() { return Colour(STDOUT_FILENO); }
bool StderrIsTerminal() { return isatty(STDERR_FILENO) != 0; }
bool StdoutIsTerminal() { return isatty(STDOUT_FILENO) != 0; }
bool Utf8OnStderr() { return Utf8(STDERR_FILENO); }
bool Utf8OnStdout() { return Utf8(STDOUT_FILENO); }
int WidthOfStderr() { return Width(STDERR_FILENO); }
int WidthOfStdout() { return Width(STDOUT_FILENO); }

std::string Styled(std::string_view text, Style style, bool colour) {
  if (!colour) return std::string(text);
  static constexpr const char* kCodes[] = {"1", "2", "31", "32", "33", "36"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<int>(style)], text);
}

void Complain(const absl::Status& status) {
  Complain(std::string_view(status.message().data(), status.message().size()));
}
void Complain(std::string_view message) { fmt::print(stderr, "ebb: {}\n", message); }

std::string Thousands(int64_t number) {
  std::string digits = fmt::format("{}", number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

ProgressBar::ProgressBar(bool quiet)
    : quiet_(quiet), terminal_(StderrIsTerminal()), started_ms_(NowMs()), drawn_ms_(started_ms_) {}

void ProgressBar::Update(double share, int64_t records, std::string_view note) {
  const int64_t now = NowMs();
  if (quiet_ || now - drawn_ms_ < (terminal_ ? kRedrawMs : kLineMs)) return;
  drawn_ms_ = now;
  const double seconds = std::max(0.001, static_cast<double>(now - started_ms_) / 1000.0);
  const std::string rate =
      fmt::format("{} records, {}/s", Thousands(records), Thousands(static_cast<int64_t>(records / seconds)));
  if (!terminal_) {
    fmt::print(stderr, "{}{}, {}\n", share < 0 ? "" : fmt::format("{:.0f} %, ", share * 100), rate, note);
    return;
  }
  const std::string words =
      fmt::format("{} {}  {}", share < 0 ? "" : fmt::format("{:3.0f} %", share * 100), rate, note);
  // A line that wraps can't be taken back, so the bar gives way, and then the words.
  const int width = WidthOfStderr();
  const int room = std::clamp(width - static_cast<int>(words.size()) - 2, 0, kBarWidth);
  const int filled = share < 0 ? 0 : static_cast<int>(share * room);
  const bool utf8 = Utf8OnStderr();
  std::string bar;
  for (int i = 0; i < room; ++i) bar += i < filled ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
  fmt::print(stderr, "\r\x1b[2K{} {}", Styled(bar, Style::kCyan, ColourOnStderr()),
             words.substr(0, static_cast<size_t>(width) - 2));
  std::fflush(stderr);
  visible_ = true;
}

void ProgressBar::Clear() {
  if (visible_) fmt::print(stderr, "\r\x1b[2K");
  visible_ = false;
}

}  // namespace ebb
