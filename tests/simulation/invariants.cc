// The checks.
#include "tests/simulation/invariants.h"

#include <algorithm>
#include <utility>

namespace ebb {
namespace {

// Whether a line is the reference's, which names quarantined records in short.
bool IsLine(Stream stream, const std::string& value, const std::string& line) {
  return stream == Stream::kQuarantine ? Brief(value) == line : value == line;
}

constexpr std::array<Stream, kStreamCount> kStreams = {Stream::kAlerts, Stream::kScores, Stream::kQuarantine,
                                                       Stream::kShadow};

}  // namespace

void Invariants::AddTask(int task, std::vector<const Input*> inputs) {
  tasks_.push_back(std::make_unique<PerTask>(Reference(task, &schemas_, std::move(inputs))));
}

void Invariants::TakenOver(int task, int64_t owner) {
  scheduler_.Trace("task {}: owner {} takes over", task, owner);
  tasks_[task]->owner = owner;
}

void Invariants::Decided(int task, const DecidedTransaction& transaction) {
  PerTask& of = *tasks_[task];
  // A late copy of its first request has opened it again before the commit was repeated: nothing becomes visible.
  const bool empty = std::all_of(transaction.records.begin(), transaction.records.end(),
                                 [](const auto& records) { return records.empty(); });
  if (empty) return;
  const std::vector<const OutputRecord*>& journal = transaction.records[kJournalLog];
  Check(journal.size() == 1, task, "{} journal records in a transaction", journal.size());
  if (!ok()) return;
  for (const auto& records : transaction.records) {
    for (const OutputRecord* record : records) {
      Check(record->owner == of.owner, task, "owner {} writes, the last to take over was {}", record->owner, of.owner);
    }
  }
  const absl::StatusOr<JournalRecord> decoded = DecodeJournalRecord(journal[0]->value);
  Check(decoded.ok(), task, "{}", decoded.status().ToString());
  if (!ok()) return;
  scheduler_.Trace("task {}: owner {} commits epoch {} up to {}", task, of.owner, decoded->epoch, decoded->cursor);
  const Reference::Epoch& before = of.reference.epoch(of.reference.epochs());
  Check(decoded->epoch == of.reference.epochs() + 1, task, "epoch {} is committed after epoch {}", decoded->epoch,
        of.reference.epochs());
  Check(JournalChain(before.chain, *decoded) == decoded->chain, task, "the journal's chain is broken");
  Check(decoded->cursor > before.cursor, task, "an epoch goes back in time");
  for (size_t i = 0; i < decoded->logs.size(); ++i) {
    Check(decoded->logs[i].low_offset >= before.low_offsets[i], task,
          "epoch {} needs source {} from offset {} on, the one before from {}", decoded->epoch, i,
          decoded->logs[i].low_offset, before.low_offsets[i]);
  }
  if (!ok()) return;
  std::array<size_t, kStreamCount> from;
  for (Stream stream : kStreams) from[static_cast<size_t>(stream)] = of.reference.lines(stream).size();
  of.reference.Advance(*decoded);
  for (Stream stream : kStreams) {
    const auto s = static_cast<size_t>(stream);
    CompareMessages(task, stream, from[s], transaction.records[s]);
    const OutputNumbers& numbers = decoded->outputs[s];
    Check(numbers.first == static_cast<int64_t>(from[s]) &&
              numbers.end == static_cast<int64_t>(of.reference.lines(stream).size()),
          task, "{} are numbered {} to {}", numbers.stream, numbers.first, numbers.end);
  }
  Check(transaction.offsets.size() == decoded->logs.size(), task, "the transaction is without its offsets");
  for (size_t s = 0; ok() && s < transaction.offsets.size(); ++s) {
    Check(transaction.offsets[s].next_offset == decoded->logs[s].low_offset, task,
          "the offset of source {} is {}, the journal says {}", s, transaction.offsets[s].next_offset,
          decoded->logs[s].low_offset);
  }
}

void Invariants::CompareMessages(int task, Stream stream, size_t from,
                                 const std::vector<const OutputRecord*>& records) {
  const std::vector<std::string>& lines = tasks_[task]->reference.lines(stream);
  const size_t expected = lines.size() - from;
  for (size_t i = 0; i < std::min(records.size(), expected); ++i) {
    Check(IsLine(stream, records[i]->value, lines[from + i]), task, "{} {}: '{}', must be '{}'", StreamName(stream),
          from + i, records[i]->value, lines[from + i]);
    if (!ok()) return;
  }
  Check(records.size() == expected, task, "an epoch has {} lines of {}, must be {}", records.size(), StreamName(stream),
        expected);
}

void Invariants::Visible(int task, int log, const OutputRecord& record) {
  PerTask& of = *tasks_[task];
  const size_t place = of.visible[log]++;
  if (log == kJournalLog) {
    Check(record.epoch == static_cast<int64_t>(place) + 1, task, "epoch {} becomes visible as number {}", record.epoch,
          place + 1);
    return;
  }
  const auto stream = static_cast<Stream>(log);
  const std::vector<std::string>& lines = of.reference.lines(stream);
  Check(place < lines.size() && IsLine(stream, record.value, lines[place]), task, "{} {} becomes visible as '{}'",
        StreamName(stream), place, record.value);
}

void Invariants::StateWritten(int task, const std::string& text) {
  const absl::StatusOr<Progress> progress = DecodeProgress(text);
  Check(progress.ok(), task, "{}", progress.status().ToString());
  if (!ok()) return;
  const Reference& reference = tasks_[task]->reference;
  Check(progress->epoch <= reference.epochs(), task, "the state of epoch {} is written, decided is {}", progress->epoch,
        reference.epochs());
  if (!ok()) return;
  const Reference::Epoch& epoch = reference.epoch(progress->epoch);
  Check(progress->chain == epoch.chain, task, "a state of another history");
  // Whoever has written it: a snapshot of this epoch can take its place.
  for (size_t s = 0; s < epoch.low_offsets.size(); ++s) {
    Check(progress->logs[s].low_offset == epoch.low_offsets[s], task,
          "the state of epoch {} needs source {} from {}, {}", progress->epoch, s, progress->logs[s].low_offset,
          epoch.low_offsets[s]);
  }
}

Standing::Standing(const LiveTask& live)
    : waiting_bytes(live.task().order().bytes()), watermark(live.intake().watermark()) {
  for (const LiveInput& input : live.intake().inputs()) {
    logs.emplace_back(input.live_log().position(), input.watermark());
  }
}

void Invariants::Stepped(int task, const Standing& before, const LiveTask& live, const StepResult& result) {
  const bool full = before.waiting_bytes >= options_.max_waiting_bytes;
  for (size_t s = 0; full && s < before.logs.size(); ++s) {
    const auto& [position, watermark] = before.logs[s];
    const bool was_read = live.intake().inputs()[s].live_log().position() != position;
    Check(!was_read || watermark == before.watermark, task, "source {} is read ahead while {} bytes wait", s,
          before.waiting_bytes);
  }
  if (result.committed && ok()) CompareStanding(task, live);
}

void Invariants::CompareStanding(int task, const LiveTask& live) {
  const Progress& progress = live.progress();
  const Reference& reference = tasks_[task]->reference;
  Check(progress.epoch >= 1 && progress.epoch <= reference.epochs(), task, "the task stands at epoch {}, decided is {}",
        progress.epoch, reference.epochs());
  if (!ok()) return;
  const Reference::Epoch& expected = reference.epoch(progress.epoch);
  Check(progress.chain == expected.chain && progress.cursor == expected.cursor, task, "the task stands elsewhere");
  for (size_t s = 0; s < schemas_.size(); ++s) {
    const SourceLedger& got = progress.ledger[s].second;
    const SourceLedger& wanted = expected.ledger[s];
    Check(got.used == wanted.used && got.late == wanted.late && got.filtered == wanted.filtered &&
              got.quarantined == wanted.quarantined && got.read() == wanted.read(),
          task, "the ledger of source {} is not that of epoch {}", s, progress.epoch);
  }
  const size_t customers = live.task().customers();
  Check(customers == expected.customers.size(), task, "{} customers, must be {}", customers, expected.customers.size());
  Task& own = const_cast<Task&>(live.task());
  const absl::Status looked = VisitRows({&own.rows()}, own.away(), own.store(), [&](RowRef row) {
    const auto customer = expected.customers.find(std::string(row.key()));
    const bool same = customer != expected.customers.end() && row.cells()[kHash] == customer->second.hash &&
                      row->next_timer == customer->second.timer;
    Check(same, task, "the row of customer {} is not that of epoch {}", row.key(), progress.epoch);
  });
  Check(looked.ok(), task, "{}", looked.ToString());
}

bool Invariants::AllVisible(int task) const {
  const PerTask& of = *tasks_[task];
  if (static_cast<int64_t>(of.visible[kJournalLog]) != of.reference.epochs()) return false;
  for (Stream stream : kStreams) {
    if (of.visible[static_cast<size_t>(stream)] != of.reference.lines(stream).size()) return false;
  }
  return true;
}

}  // namespace ebb
