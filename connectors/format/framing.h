// Splits text into records: lines for JSON, and for CSV records whose quoted cells may hold line ends. How the text
// comes in pieces never changes the records. A quote that is never closed costs one record, not the rest of the file.
#pragma once

#include <string_view>

#include "engine/stream/reason.h"
#include "engine/stream/schema.h"

namespace ebb {

// One record; `reason` is kNone, kTooLarge (bytes hold its first kMaxShownBytes) or kCsvSyntax (bytes hold its first
// line).
struct Frame {
  static constexpr size_t kMaxShownBytes = 256;
  std::string_view bytes;  // without the line's end
  Reason reason = Reason::kNone;
};

// Confined to its task's thread.
class Framer {
 public:
  // What remains of a text after Next said no is at most this long.
  static constexpr size_t kMaxRest = static_cast<size_t>(kMaxRecordBytes) + 1;

  explicit Framer(Format format) : csv_(format == Format::kCsv) {}

  // Takes the first record off `*text`. False when it needs the bytes that follow, or, with `last` (nothing follows),
  // when no record is left. A last line needs no end; an empty one is no record.
  bool Next(std::string_view* text, bool last, Frame* frame);

 private:
  bool NextLine(std::string_view* text, bool last, Frame* frame);
  bool NextCsv(std::string_view* text, bool last, Frame* frame);

  const bool csv_;
  bool in_long_line_ = false;  // dropping bytes up to the line's end
};

}  // namespace ebb
