// Small records as text: `word value value ...`, one fact a line, percent-escaped so that a value holds no space or
// newline, and a hash of everything at the end. Progress and journal records are written so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace ebb {

// The text as one word; "%" for an empty one.
std::string EscapedWord(std::string_view text);

// One line's words, read one after another. Confined to its task's thread.
class Words {
 public:
  explicit Words(std::string_view line);

  std::string Text();
  int64_t Number();
  // Whether every word that was asked for was there, and none is left.
  bool ok() const { return ok_ && at_ == words_.size(); }

 private:
  std::vector<absl::string_view> words_;
  size_t at_ = 0;
  bool ok_ = true;
};

// Adds the closing line.
std::string SealedRecord(std::string text);
// The lines above the closing one; empty when the text is damaged.
std::optional<std::vector<std::string_view>> RecordLines(std::string_view text);

}  // namespace ebb
