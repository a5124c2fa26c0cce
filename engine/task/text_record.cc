// Escaping, splitting, sealing.
#include "engine/task/text_record.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

std::string Unescaped(std::string_view text) {
  std::string out;
  if (text == "%") return out;
  for (size_t i = 0; i < text.size(); ++i) {
    int byte = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      for (int n = 1; n <= 2; ++n) byte = byte * 16 + (text[i + n] <= '9' ? text[i + n] - '0' : text[i + n] - 'a' + 10);
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string EscapedWord(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte > ' ' && byte < 0x7F && c != '%') {
      out += c;
    } else {
      out += fmt::format("%{:02x}", byte);
    }
  }
  return out.empty() ? "%" : out;
}

Words::Words(std::string_view line) : words_(absl::StrSplit(absl::string_view(line.data(), line.size()), ' ')) {}

std::string Words::Text() {
  if (at_ >= words_.size()) {
    ok_ = false;
    return "";
  }
  absl::string_view word = words_[at_++];
  return Unescaped({word.data(), word.size()});
}

int64_t Words::Number() {
  int64_t number = 0;
  if (at_ >= words_.size() || !absl::SimpleAtoi(words_[at_++], &number)) ok_ = false;
  return number;
}

std::string SealedRecord(std::string text) { return text + fmt::format("end {}\n", HashText(text)); }

std::optional<std::vector<std::string_view>> RecordLines(std::string_view text) {
  const size_t end = text.rfind("end ");
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\n') return std::nullopt;
  if (text.substr(end) != fmt::format("end {}\n", HashText(text.substr(0, end)))) return std::nullopt;
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < end;) {
    const size_t next = text.find('\n', at);
    lines.push_back(text.substr(at, next - at));
    at = next + 1;
  }
  return lines;
}

}  // namespace ebb
