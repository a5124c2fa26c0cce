// The progress record as a text record, and the hashes that it holds.
#include "engine/task/progress.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "engine/base/status_macros.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

bool ReadLine(std::string_view line, Progress* progress) {
  Words words(line);
  const std::string what = words.Text();
  if (what == "pipeline") {
    progress->pipeline = words.Text();
    progress->fingerprint = words.Text();
  } else if (what == "epoch") {
    progress->epoch = words.Number();
    progress->cursor = words.Number();
    progress->finished = words.Number() != 0;
    progress->chain = static_cast<uint64_t>(words.Number());
  } else if (what == "task") {
    progress->task = words.Number();
  } else if (what == "output") {
    OutputPosition output;
    output.stream = words.Text();
    output.bytes = words.Number();
    output.lines = words.Number();
    progress->outputs.push_back(output);
  } else if (what == "ledger") {
    std::string source = words.Text();
    SourceLedger ledger;
    for (int64_t* count : {&ledger.used, &ledger.late, &ledger.filtered, &ledger.duplicate, &ledger.tombstone}) {
      *count = words.Number();
    }
    for (int64_t& count : ledger.quarantined) count = words.Number();
    progress->ledger.emplace_back(std::move(source), ledger);
  } else if (what == "counter") {
    std::string name = words.Text();
    int64_t value = words.Number();
    progress->counters.emplace_back(std::move(name), value);
  } else if (what == "told") {
    progress->told.push_back(words.Number());
  } else if (!ReadLogPosition(what, &words, &progress->logs)) {
    return false;
  }
  return words.ok();
}

}  // namespace

absl::Status CheckSamePipeline(const Progress& progress, std::string_view pipeline, std::string_view fingerprint) {
  if (progress.pipeline != pipeline) {
    return absl::FailedPreconditionError(
        fmt::format("the state belongs to pipeline '{}', this one is '{}'", progress.pipeline, pipeline));
  }
  if (progress.fingerprint != fingerprint) {
    return absl::FailedPreconditionError(
        fmt::format("the state was made by another version of pipeline '{}' (fingerprint {}, now {}): its numbers "
                    "would not fit together; start with a new state directory, or go back to that version",
                    progress.pipeline, progress.fingerprint, fingerprint));
  }
  return absl::OkStatus();
}

std::vector<std::string> Contradictions(const Progress& progress) {
  std::vector<std::string> found;
  for (const LogPosition& log : progress.logs) {
    const std::string of = fmt::format("log {} of source '{}'", log.name, log.source);
    if (log.low_offset < log.start_offset) {
      found.push_back(
          fmt::format("{} is to be read from record {}, before its first, {}", of, log.low_offset, log.start_offset));
    }
    if (log.anchor && log.anchor->offset > log.low_offset) {
      found.push_back(fmt::format("{} is known by record {}, behind the one to be read next, {}", of,
                                  log.anchor->offset, log.low_offset));
    }
    if (!std::is_sorted(log.floors.begin(), log.floors.end(),
                        [](const Floor& a, const Floor& b) { return a.from_offset < b.from_offset; })) {
      found.push_back(fmt::format("the decisions about {} are out of order", of));
    }
  }
  if (progress.task != Progress::kNoTask) return found;  // offsets of topics have gaps
  std::map<std::string, int64_t> below;
  for (const LogPosition& log : progress.logs) below[log.source] += log.low_offset;
  for (const auto& [source, ledger] : progress.ledger) {
    if (ledger.read() < below[source]) {
      found.push_back(fmt::format("source '{}' has {} records below those to be read next, and the ledger counts {}",
                                  source, below[source], ledger.read()));
    }
  }
  return found;
}

uint64_t ChainHash(uint64_t chain, std::string_view text) {
  return (chain ^ static_cast<uint64_t>(HashText(text))) * 0x9E3779B97F4A7C15ull + 1;
}

uint64_t StateDigestStep(uint64_t digest, std::string_view key, std::string_view row) {
  std::string bytes(key);
  bytes += row;
  return ChainHash(digest, bytes);
}

std::string EncodeProgress(const Progress& p) {
  std::string text = fmt::format("ebb-progress {}\n", Progress::kVersion);
  text += fmt::format("pipeline {} {}\n", EscapedWord(p.pipeline), EscapedWord(p.fingerprint));
  text += fmt::format("epoch {} {} {} {}\n", p.epoch, p.cursor, p.finished ? 1 : 0, static_cast<int64_t>(p.chain));
  const bool live = p.task != Progress::kNoTask;
  if (live) text += fmt::format("task {}\n", p.task);
  for (const LogPosition& log : p.logs) AppendLogPosition(log, live, &text);
  for (const OutputPosition& output : p.outputs) {
    text += fmt::format("output {} {} {}\n", EscapedWord(output.stream), output.bytes, output.lines);
  }
  for (const auto& [source, ledger] : p.ledger) {
    text += fmt::format("ledger {} {} {} {} {} {}", EscapedWord(source), ledger.used, ledger.late, ledger.filtered,
                        ledger.duplicate, ledger.tombstone);
    for (int64_t count : ledger.quarantined) text += fmt::format(" {}", count);
    text += '\n';
  }
  for (const auto& [name, value] : p.counters) text += fmt::format("counter {} {}\n", EscapedWord(name), value);
  for (int64_t number : p.told) text += fmt::format("told {}\n", number);
  return SealedRecord(std::move(text));
}

absl::StatusOr<Progress> DecodeProgress(std::string_view text) {
  const absl::Status damaged = absl::DataLossError("the stored progress record is damaged");
  const std::optional<std::vector<std::string_view>> lines = RecordLines(text);
  if (!lines) return damaged;
  Words head((*lines)[0]);
  if (head.Text() != "ebb-progress") return damaged;
  const int64_t version = head.Number();
  if (version > Progress::kVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "the state was written by a newer ebb (progress version {}, this one knows {})", version, Progress::kVersion));
  }
  if (version < Progress::kVersion) {
    return absl::FailedPreconditionError(
        fmt::format("the state was written by an older ebb (progress version {}, this one needs {}): start with a new "
                    "state directory, or go back to that version",
                    version, Progress::kVersion));
  }
  Progress progress;
  for (size_t i = 1; i < lines->size(); ++i) {
    if (!ReadLine((*lines)[i], &progress)) return damaged;
  }
  return progress;
}

}  // namespace ebb
