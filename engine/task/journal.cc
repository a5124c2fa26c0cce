// The journal record as a text record.
#include "engine/task/journal.h"

#include <fmt/format.h>

#include "engine/task/progress.h"

namespace ebb {
namespace {

// Everything but the chain.
std::string Facts(const JournalRecord& record) {
  std::string text = fmt::format("ebb-journal {}\n", JournalRecord::kVersion);
  text += fmt::format("pipeline {} {}\n", EscapedWord(record.pipeline), EscapedWord(record.fingerprint));
  text += fmt::format("epoch {} {} {} {}\n", record.task, record.epoch, record.cursor, record.wall_ms);
  for (const LogPosition& log : record.logs) AppendLogPosition(log, /*live=*/true, &text);
  for (const OutputNumbers& output : record.outputs) {
    text += fmt::format("output {} {} {}\n", EscapedWord(output.stream), output.first, output.end);
  }
  text += fmt::format("digest {}\n", static_cast<int64_t>(record.digest));
  return text;
}

bool ReadLine(std::string_view line, JournalRecord* record) {
  Words words(line);
  const std::string what = words.Text();
  if (what == "pipeline") {
    record->pipeline = words.Text();
    record->fingerprint = words.Text();
  } else if (what == "epoch") {
    record->task = words.Number();
    record->epoch = words.Number();
    record->cursor = words.Number();
    record->wall_ms = words.Number();
  } else if (what == "output") {
    OutputNumbers& output = record->outputs.emplace_back();
    output.stream = words.Text();
    output.first = words.Number();
    output.end = words.Number();
  } else if (what == "digest") {
    record->digest = static_cast<uint64_t>(words.Number());
  } else if (what == "chain") {
    record->chain = static_cast<uint64_t>(words.Number());
  } else if (!ReadLogPosition(what, &words, &record->logs)) {
    return false;
  }
  return words.ok();
}

}  // namespace

uint64_t JournalChain(uint64_t previous_chain, const JournalRecord& record) {
  return ChainHash(previous_chain, Facts(record));
}

std::string EncodeJournalRecord(uint64_t previous_chain, JournalRecord* record) {
  std::string text = Facts(*record);
  record->chain = ChainHash(previous_chain, text);
  text += fmt::format("chain {}\n", static_cast<int64_t>(record->chain));
  return SealedRecord(std::move(text));
}

absl::StatusOr<JournalRecord> DecodeJournalRecord(std::string_view text) {
  const absl::Status damaged = absl::DataLossError("a record of the journal is damaged");
  const std::optional<std::vector<std::string_view>> lines = RecordLines(text);
  if (!lines) return damaged;
  Words head((*lines)[0]);
  if (head.Text() != "ebb-journal") return damaged;
  const int64_t version = head.Number();
  if (!head.ok()) return damaged;
  if (version > JournalRecord::kVersion) {
    return absl::FailedPreconditionError(
        fmt::format("the journal was written by a newer ebb (record version {}, this one knows {})", version,
                    JournalRecord::kVersion));
  }
  JournalRecord record;
  for (size_t i = 1; i < lines->size(); ++i) {
    if (!ReadLine((*lines)[i], &record)) return damaged;
  }
  return record;
}

}  // namespace ebb
