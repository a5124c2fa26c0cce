// The progress record as text: `word value value ...`, values percent-escaped so that they hold no space or newline.
#include "engine/task/progress.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "engine/base/status_macros.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

std::string Escaped(std::string_view text) {
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

// One line's words, read one after another.
class Words {
 public:
  explicit Words(absl::string_view line) : words_(absl::StrSplit(line, ' ')) {}

  std::string Text() {
    if (at_ >= words_.size()) {
      ok_ = false;
      return "";
    }
    absl::string_view word = words_[at_++];
    return Unescaped({word.data(), word.size()});
  }
  int64_t Number() {
    int64_t number = 0;
    if (at_ >= words_.size() || !absl::SimpleAtoi(words_[at_++], &number)) ok_ = false;
    return number;
  }
  bool ok() const { return ok_ && at_ == words_.size(); }

 private:
  std::vector<absl::string_view> words_;
  size_t at_ = 0;
  bool ok_ = true;
};

bool ReadLine(absl::string_view line, Progress* progress) {
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
  } else if (what == "log") {
    LogPosition log;
    log.source = words.Text();
    log.name = words.Text();
    log.identity = words.Text();
    log.low_offset = words.Number();
    log.newest = words.Number();
    progress->logs.push_back(log);
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
  } else {
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
  text += fmt::format("pipeline {} {}\n", Escaped(p.pipeline), Escaped(p.fingerprint));
  text += fmt::format("epoch {} {} {} {}\n", p.epoch, p.cursor, p.finished ? 1 : 0, static_cast<int64_t>(p.chain));
  for (const LogPosition& log : p.logs) {
    text += fmt::format("log {} {} {} {} {}\n", Escaped(log.source), Escaped(log.name), Escaped(log.identity),
                        log.low_offset, log.newest);
  }
  for (const OutputPosition& output : p.outputs) {
    text += fmt::format("output {} {} {}\n", Escaped(output.stream), output.bytes, output.lines);
  }
  for (const auto& [source, ledger] : p.ledger) {
    text += fmt::format("ledger {} {} {} {} {} {}", Escaped(source), ledger.used, ledger.late, ledger.filtered,
                        ledger.duplicate, ledger.tombstone);
    for (int64_t count : ledger.quarantined) text += fmt::format(" {}", count);
    text += '\n';
  }
  for (const auto& [name, value] : p.counters) text += fmt::format("counter {} {}\n", Escaped(name), value);
  return text + fmt::format("end {}\n", HashText(text));
}

absl::StatusOr<Progress> DecodeProgress(std::string_view text) {
  const absl::Status damaged = absl::DataLossError("the stored progress record is damaged");
  const size_t end = text.rfind("end ");
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\n') return damaged;
  if (text.substr(end) != fmt::format("end {}\n", HashText(text.substr(0, end)))) return damaged;
  std::vector<absl::string_view> lines = absl::StrSplit(absl::string_view(text.data(), end), '\n');
  Words head(lines[0]);
  if (head.Text() != "ebb-progress") return damaged;
  const int64_t version = head.Number();
  if (version > Progress::kVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "the state was written by a newer ebb (progress version {}, this one knows {})", version, Progress::kVersion));
  }
  Progress progress;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    if (!ReadLine(lines[i], &progress)) return damaged;
  }
  return progress;
}

}  // namespace ebb
