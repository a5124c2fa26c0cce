// Reading, decoding, stamping, routing.
#include "engine/task/intake.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kMaxPayloadBytes = 4096;  // of a quarantined record, kept for the quarantine
constexpr int64_t kUnitCheckRecords = 100;

}  // namespace

Intake::Intake(std::vector<SourceInput> sources, const TimeRange& range, int tasks) : range_(range), tasks_(tasks) {
  for (SourceInput& source : sources) {
    EBB_CHECK(source.schema->ordinal == names_.sources.size(), "sources must come by ordinal");
    const int slot_count = source.slot_count > 0 ? source.slot_count : static_cast<int>(source.schema->fields.size());
    names_.sources.push_back(source.schema->name);
    names_.logs.emplace_back();
    for (LogInput& input : source.logs) {
      const auto number = static_cast<uint16_t>(names_.logs.back().size());
      names_.logs.back().push_back(input.log->name());
      logs_.push_back(
          {std::move(input), source.schema, slot_count, number, LogClock(source.schema->time), 0, 0, 0, ""});
    }
  }
}

absl::Status Intake::Restore(const Progress& progress) {
  if (progress.logs.size() != logs_.size()) {
    return absl::FailedPreconditionError(fmt::format("the state was made from {} input files, and now there are {}",
                                                     progress.logs.size(), logs_.size()));
  }
  for (size_t i = 0; i < logs_.size(); ++i) {
    const LogPosition& position = progress.logs[i];
    OpenLog& log = logs_[i];
    if (position.source != log.schema->name || position.identity != log.input.log->identity()) {
      return absl::FailedPreconditionError(fmt::format(
          "input {} of source '{}' is not the file that the state was made from ({}): give the same inputs, "
          "or another state directory",
          log.input.log->name(), log.schema->name, position.name));
    }
    EBB_RETURN_IF_ERROR(log.input.log->Seek(position.low_offset));
    log.next_offset = position.low_offset;
    log.clock.Restore(position.newest);
    log.timed_records = position.low_offset;
  }
  cursor_ = progress.cursor;
  return absl::OkStatus();
}

Intake::OpenLog* Intake::SlowestLog() {
  OpenLog* slowest = nullptr;
  for (OpenLog& log : logs_) {
    if (log.input.log->ended()) continue;
    if (slowest == nullptr || log.clock.watermark() < slowest->clock.watermark()) slowest = &log;
  }
  return slowest;
}

absl::Status Intake::Step(size_t max_records, std::vector<RecordBatch>* batches) {
  OpenLog* log = SlowestLog();
  if (log == nullptr) return absl::OkStatus();
  EBB_RETURN_IF_ERROR(log->input.log->Read(max_records, &raw_));
  for (const RawRecord& raw : raw_) Take(raw, log, batches);
  records_read_ += static_cast<int64_t>(raw_.size());
  return CheckUnit(*log);
}

absl::Status Intake::CheckUnit(const OpenLog& log) const {
  if (log.timed_records > 0 || log.untimed_records == 0) return absl::OkStatus();
  if (log.untimed_records < kUnitCheckRecords && !log.input.log->ended()) return absl::OkStatus();
  const std::string what =
      fmt::format("source '{}': none of the first {} records of {} has a time that `unit: {}` allows", log.schema->name,
                  log.untimed_records, log.input.log->name(), TimeUnitName(log.schema->time.unit));
  if (log.unit_guess.empty()) return absl::FailedPreconditionError(what);
  return absl::FailedPreconditionError(fmt::format("{}: they look like `unit: {}`", what, log.unit_guess));
}

void Intake::Take(const RawRecord& raw, OpenLog* log, std::vector<RecordBatch>* batches) {
  EBB_CHECK(raw.offset == log->next_offset, "offset {} of {}, expected {}", raw.offset, log->input.log->name(),
            log->next_offset);
  log->next_offset = raw.offset + 1;
  builder_.Reset(log->slot_count);
  Reason reason = raw.reason;
  if (reason == Reason::kNone) reason = log->input.decoder->Decode(raw.bytes, &builder_);

  Record header{};
  header.offset = raw.offset;
  header.source = log->schema->ordinal;
  header.log = log->number;
  header.reason = reason;
  header.time = reason == Reason::kNone ? builder_.time : kBeforeTime;
  header.fate = reason != Reason::kNone ? Fate::kQuarantine : builder_.filtered ? Fate::kFilter : Fate::kUse;
  const bool after = reason == Reason::kNone && range_.to && builder_.time > *range_.to;
  if (after) {
    header.fate = Fate::kFilter;
    header.effective = log->clock.watermark();
    header.newest_before = log->clock.newest();
  } else {
    if (reason == Reason::kNone && range_.from && builder_.time < *range_.from) header.fate = Fate::kFilter;
    log->clock.Stamp(&header);
  }
  if (header.time != kBeforeTime) {
    ++log->timed_records;
  } else if (log->timed_records == 0 && (reason == Reason::kTimeOutOfRange || reason == Reason::kBadTime)) {
    ++log->untimed_records;
    if (reason == Reason::kTimeOutOfRange) log->unit_guess = builder_.unit_guess;
  }
  if (header.effective < cursor_) return;  // applied before the restart
  Place(log, raw, header, batches);
}

Record* Intake::Place(OpenLog* log, const RawRecord& raw, Record header, std::vector<RecordBatch>* batches) {
  size_t task = 0;
  if (header.fate == Fate::kUse) {
    header.slot_count = static_cast<uint16_t>(log->slot_count);
    header.key_bytes = builder_.key_bytes;
    header.nulls = builder_.nulls;
    header.key_hash = HashKey(builder_.key());
    task = static_cast<size_t>((static_cast<__uint128_t>(header.key_hash) * tasks_) >> 64);
  } else if (header.fate == Fate::kQuarantine) {
    header.payload_bytes = static_cast<uint32_t>(std::min(raw.bytes.size(), kMaxPayloadBytes));
  }
  Record* record = (*batches)[task].Add(header.bytes());
  *record = header;
  int64_t* slots = record->slots();
  std::copy_n(builder_.slots, header.slot_count, slots);
  for (uint64_t nulls = header.nulls; nulls != 0; nulls &= nulls - 1) slots[__builtin_ctzll(nulls)] = 0;
  char* tail = reinterpret_cast<char*>(slots + header.slot_count);
  std::copy_n(builder_.key_text, header.key_bytes, tail);
  std::copy_n(raw.bytes.data(), header.payload_bytes, tail + header.key_bytes);
  return record;
}

TimeMs Intake::watermark() const {
  TimeMs lowest = kAfterTime;
  TimeMs newest = kBeforeTime;
  for (const OpenLog& log : logs_) {
    newest = std::max(newest, log.clock.newest());
    if (!log.input.log->ended()) lowest = std::min(lowest, log.clock.watermark());
  }
  const TimeMs last = range_.to ? *range_.to + 1 : newest + 1;
  return lowest == kAfterTime ? last : std::min(lowest, last);
}

bool Intake::ended() const {
  return std::all_of(logs_.begin(), logs_.end(), [](const OpenLog& log) { return log.input.log->ended(); });
}

std::vector<LogPosition> Intake::Positions(const std::vector<const Order*>& orders) const {
  std::vector<LogPosition> positions;
  std::vector<size_t> first_log;  // of each source, in positions
  for (const OpenLog& log : logs_) {
    if (log.number == 0) first_log.resize(log.schema->ordinal + 1, positions.size());
    positions.push_back(
        {log.schema->name, log.input.log->name(), log.input.log->identity(), log.next_offset, log.clock.newest()});
  }
  for (const Order* order : orders) {
    order->ForEachLowMark([&](uint16_t source, uint16_t log, const LowMark& mark) {
      LogPosition& position = positions[first_log[source] + log];
      if (mark.offset >= position.low_offset) return;
      position.low_offset = mark.offset;
      position.newest = mark.newest_before;
    });
  }
  return positions;
}

double Intake::progress() const {
  double sum = 0;
  for (const OpenLog& log : logs_) {
    if (log.input.log->progress() < 0) return -1;
    sum += log.input.log->progress();
  }
  return logs_.empty() ? 1 : sum / static_cast<double>(logs_.size());
}

}  // namespace ebb
