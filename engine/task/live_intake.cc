// Choosing, reading, deciding.
#include "engine/task/live_intake.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {

LiveIntake::LiveIntake(std::vector<LiveSource> sources) {
  EBB_CHECK(!sources.empty());
  for (LiveSource& source : sources) {
    EBB_CHECK(source.schema->ordinal == names_.sources.size(), "sources must come by ordinal");
    names_.sources.push_back(source.schema->name);
    names_.logs.push_back({source.log->name()});
    inputs_.emplace_back(std::move(source));
  }
}

absl::Status LiveIntake::Begin() {
  for (LiveInput& input : inputs_) EBB_RETURN_IF_ERROR(input.Begin());
  return absl::OkStatus();
}

absl::Status LiveIntake::CheckSameLogs(const std::vector<LogPosition>& positions) const {
  if (positions.size() != inputs_.size()) {
    return absl::FailedPreconditionError(
        fmt::format("the state was made from {} logs, and now there are {}", positions.size(), inputs_.size()));
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const LogPosition& position = positions[i];
    const LiveLog& log = inputs_[i].live_log();
    const std::string& source = inputs_[i].schema().name;
    if (position.source != source || position.name != log.name()) {
      return absl::FailedPreconditionError(
          fmt::format("source '{}' reads {}, but the state was made from {} of source '{}'", source, log.name(),
                      position.name, position.source));
    }
    if (!position.identity.empty() && !log.identity().empty() && position.identity != log.identity()) {
      return absl::FailedPreconditionError(
          fmt::format("{} is not the log that the state was made from: it was made anew, or belongs to another cluster "
                      "(identity {}, now {}); begin with a new state directory and a new group",
                      log.name(), position.identity, log.identity()));
    }
  }
  return absl::OkStatus();
}

absl::Status LiveIntake::Restore(const std::vector<LogPosition>& positions, TimeMs cursor) {
  EBB_RETURN_IF_ERROR(CheckSameLogs(positions));
  for (size_t i = 0; i < inputs_.size(); ++i) EBB_RETURN_IF_ERROR(inputs_[i].Restore(positions[i]));
  applied_ = cursor;
  return absl::OkStatus();
}

void LiveIntake::Repeat(const std::vector<LogPosition>& decided) {
  for (size_t i = 0; i < inputs_.size(); ++i) inputs_[i].Repeat(decided[i]);
}

absl::StatusOr<size_t> LiveIntake::Read(size_t max_records, TimeMs until, bool ahead, int64_t monotonic_ms,
                                        RecordBatch* batch) {
  by_watermark_.clear();
  for (LiveInput& input : inputs_) {
    if (input.watermark() < until) by_watermark_.push_back(&input);
  }
  std::stable_sort(by_watermark_.begin(), by_watermark_.end(),
                   [](const LiveInput* a, const LiveInput* b) { return a->watermark() < b->watermark(); });
  const TimeMs lowest = watermark();
  batches_.resize(1);
  size_t records = 0;
  for (LiveInput* input : by_watermark_) {
    if (!ahead && input->watermark() > lowest) break;
    EBB_ASSIGN_OR_RETURN(records, input->Read(max_records, monotonic_ms, applied_, &batches_));
    if (records > 0) break;
  }
  *batch = std::move(batches_[0]);
  batches_.clear();
  return records;
}

int64_t LiveIntake::DecideIdle(const LiveClocks& clocks, int64_t max_untimed) {
  const auto idle = [&](const LiveInput& input) { return input.Idle(clocks.monotonic_ms); };
  const auto holds = [&](const LiveInput& input) { return !idle(input) && input.untimed_records() <= max_untimed; };
  TimeMs target = kAfterTime;
  TimeMs highest = kBeforeTime;
  for (const LiveInput& input : inputs_) {
    if (holds(input)) target = std::min(target, input.watermark());
    highest = std::max(highest, input.watermark());
  }
  int64_t wall_ms = 0;
  if (target == kAfterTime) {
    target = highest;
    const TimeMs now = WallTime(clocks);
    if (now > target && std::all_of(inputs_.begin(), inputs_.end(), idle)) {
      target = now;
      wall_ms = clocks.wall_ms;
    }
  }
  if (target == kBeforeTime) return 0;
  for (LiveInput& input : inputs_) {
    if (input.watermark() < target && !holds(input)) input.RaiseTo(target);
  }
  return wall_ms;
}

TimeMs LiveIntake::WallTime(const LiveClocks& clocks) const {
  TimeMs latest = kBeforeTime;
  for (const LiveInput& input : inputs_) {
    if (!input.lag()) continue;
    const TimeSpec& spec = input.schema().time;
    latest = std::max(latest, clocks.wall_ms - *input.lag() - spec.idle_after - spec.disorder);
  }
  return latest;
}

TimeMs LiveIntake::watermark() const {
  TimeMs lowest = kAfterTime;
  for (const LiveInput& input : inputs_) lowest = std::min(lowest, input.watermark());
  return lowest;
}

const LiveInput& LiveIntake::Holder() const {
  return *std::min_element(inputs_.begin(), inputs_.end(),
                           [](const LiveInput& a, const LiveInput& b) { return a.watermark() < b.watermark(); });
}

std::vector<LogPosition> LiveIntake::Positions(TimeMs cursor) {
  std::vector<LogPosition> positions;
  for (LiveInput& input : inputs_) positions.push_back(input.Position(cursor));
  return positions;
}

std::vector<LogPosition> LiveIntake::PositionsAgain(TimeMs cursor, const std::vector<LogPosition>& committed) {
  std::vector<LogPosition> positions;
  for (size_t i = 0; i < inputs_.size(); ++i) positions.push_back(inputs_[i].PositionAgain(cursor, committed[i]));
  return positions;
}

std::vector<LogPosition> LiveIntake::Decided(const std::vector<LogPosition>& positions) const {
  std::vector<LogPosition> decided = positions;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    LogPosition decisions = inputs_[i].Decided();
    decided[i].floors = std::move(decisions.floors);
    decided[i].skipped = std::move(decisions.skipped);
  }
  return decided;
}

void LiveIntake::CommitDecisions() {
  for (LiveInput& input : inputs_) input.CommitDecisions();
}

}  // namespace ebb
