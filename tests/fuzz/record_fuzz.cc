// Progress and journal records: refused, or read so that writing and reading them again changes nothing. Tried as they
// are, and with the right hash at their end, which no fuzzer would guess.
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/task/journal.h"
#include "engine/task/progress.h"
#include "engine/task/text_record.h"

namespace ebb {
namespace {

void CheckProgress(const std::string& text) {
  const absl::StatusOr<Progress> progress = DecodeProgress(text);
  if (!progress.ok()) return;
  const std::string once = EncodeProgress(*progress);
  const absl::StatusOr<Progress> again = DecodeProgress(once);
  EBB_CHECK(again.ok(), "its own text is refused: {}", once);
  EBB_CHECK(EncodeProgress(*again) == once, "another record comes back: {}", once);
}

void CheckJournal(const std::string& text) {
  absl::StatusOr<JournalRecord> record = DecodeJournalRecord(text);
  if (!record.ok()) return;
  const std::string once = EncodeJournalRecord(7, &*record);
  absl::StatusOr<JournalRecord> again = DecodeJournalRecord(once);
  EBB_CHECK(again.ok(), "its own text is refused: {}", once);
  EBB_CHECK(EncodeJournalRecord(7, &*again) == once, "another record comes back: {}", once);
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string& record : {text, ebb::SealedRecord(text)}) {
    ebb::CheckProgress(record);
    ebb::CheckJournal(record);
  }
  return 0;
}
