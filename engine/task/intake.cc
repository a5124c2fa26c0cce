// Which log is read next, and what a commit says of all of them.
#include "engine/task/intake.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
Intake::Intake(std::vector<SourceInput> sources, const TimeRange& range) : range_(range) {
  for (SourceInput& source : sources) {
    EBB_CHECK(source.schema->ordinal == names_.sources.size(), "sources must come by ordinal");
    names_.sources.push_back(source.schema->name);
    names_.logs.emplace_back();
    for (LogInput& input : source.logs) {
      const auto number = static_cast<uint16_t>(names_.logs.back().size());
      names_.logs.back().push_back(input.log->name());
      logs_.emplace_back(std::move(input), source.schema, source.slot_count, number);
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
    RecordIntake& log = logs_[i];
    if (position.source != log.schema().name || position.identity != log.input().identity()) {
      return absl::FailedPreconditionError(fmt::format(
          "input {} of source '{}' is not the file that the state was made from ({}): give the same inputs, "
          "or another state directory",
          log.input().name(), log.schema().name, position.name));
    }
    EBB_RETURN_IF_ERROR(log.Seek(position.low_offset, position.newest));
  }
  cursor_ = progress.cursor;
  return absl::OkStatus();
}

RecordIntake* Intake::SlowestLog() {
  RecordIntake* slowest = nullptr;
  for (RecordIntake& log : logs_) {
    if (log.input().ended()) continue;
    if (slowest == nullptr || log.clock().watermark() < slowest->clock().watermark()) slowest = &log;
  }
  return slowest;
}

absl::Status Intake::Step(size_t max_records, std::vector<RecordBatch>* batches) {
  RecordIntake* log = SlowestLog();
  if (log == nullptr) return absl::OkStatus();
  EBB_RETURN_IF_ERROR(log->input().Read(max_records, &raw_));
  for (const RawRecord& raw : raw_) log->Take(raw, range_, cursor_, batches);
  records_read_ += static_cast<int64_t>(raw_.size());
  return log->CheckUnit(log->input().ended());
}

TimeMs Intake::watermark() const {
  TimeMs lowest = kAfterTime;
  TimeMs newest = kBeforeTime;
  for (const RecordIntake& log : logs_) {
    newest = std::max(newest, log.clock().newest());
    if (!log.input().ended()) lowest = std::min(lowest, log.clock().watermark());
  }
  const TimeMs last = range_.to ? *range_.to + 1 : newest + 1;
  return lowest == kAfterTime ? last : std::min(lowest, last);
}

bool Intake::ended() const {
  return std::all_of(logs_.begin(), logs_.end(), [](const RecordIntake& log) { return log.input().ended(); });
}

std::vector<LogPosition> Intake::Positions(const std::vector<const Order*>& orders) const {
  std::vector<LogPosition> positions;
  std::vector<size_t> first_log;  // of each source, in positions
  for (const RecordIntake& log : logs_) {
    if (log.number() == 0) first_log.resize(log.schema().ordinal + 1, positions.size());
    positions.push_back(
        {log.schema().name, log.input().name(), log.input().identity(), log.next_offset(), log.clock().newest()});
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
  for (const RecordIntake& log : logs_) {
    if (log.input().progress() < 0) return -1;
    sum += log.input().progress();
  }
  return logs_.empty() ? 1 : sum / static_cast<double>(logs_.size());
}

}  // namespace ebb
