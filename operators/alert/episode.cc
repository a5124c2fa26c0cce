// The state machine of the header; nine cells of the row.
#include "operators/alert/episode.h"

#include <algorithm>

namespace ebb {
namespace {

enum Cell { kOpen, kOpenedAt, kValidUntil, kSilentSince, kStreak, kRevision, kSeverity, kReason, kTwin, kCells };

}  // namespace

std::string_view EpisodeEventName(EpisodeEvent event) {
  static constexpr std::array<std::string_view, 5> kNames = {"none", "opened", "escalated", "resolved", "expired"};
  return kNames[static_cast<size_t>(event)];
}

void AlertRule::Declare(RowLayoutBuilder* layout) { cells_ = layout->AddCells("alert." + plan_->name, kCells); }

int AlertRule::Severity(const double* registers) const {
  int severity = -1;
  for (size_t i = 0; i < plan_->severities.size(); ++i) {
    if (registers[plan_->severities[i].condition] == 1) severity = static_cast<int>(i);
  }
  return severity;
}

bool AlertRule::Expire(RowRef* row, TimeMs now) const {
  int64_t* cell = row->cells() + cells_;
  if (cell[kOpen] == 0 || cell[kValidUntil] == 0 || now < cell[kValidUntil]) return false;
  cell[kOpen] = 0;
  cell[kStreak] = 0;
  ++cell[kRevision];
  return true;
}

EpisodeStep AlertRule::Evaluate(const double* registers, RowRef* row, TimeMs now, TimeMs last_record) const {
  int64_t* cell = row->cells() + cells_;
  EpisodeStep step;
  step.condition = registers[plan_->when] == 1;
  if (cell[kOpen] != 0) {
    const int severity = Severity(registers);
    if (plan_->clear >= 0 ? registers[plan_->clear] == 1 : !step.condition) {
      cell[kOpen] = 0;
      cell[kStreak] = 0;
      ++cell[kRevision];
      step.event = EpisodeEvent::kResolved;
    } else if (severity > cell[kSeverity]) {
      cell[kSeverity] = severity;
      ++cell[kRevision];
      step.event = EpisodeEvent::kEscalated;
    }
    return step;
  }
  cell[kStreak] = step.condition ? std::min<int64_t>(cell[kStreak] + 1, plan_->confirm) : 0;
  if (!step.condition) return step;
  if (cell[kStreak] < plan_->confirm) {
    step.suppressed = Suppressed::kUnconfirmed;
  } else if (cell[kOpenedAt] != 0 && now - cell[kOpenedAt] < plan_->cooldown) {
    step.suppressed = Suppressed::kCooldown;
  } else {
    step.event = EpisodeEvent::kOpened;
    cell[kOpen] = 1;
    cell[kTwin] = cell[kOpenedAt] == now ? cell[kTwin] + 1 : 0;
    cell[kOpenedAt] = now;
    cell[kValidUntil] = plan_->valid_for == 0 ? 0 : now + plan_->valid_for;
    cell[kSilentSince] = last_record;
    cell[kRevision] = 0;
    cell[kSeverity] = Severity(registers);
  }
  return step;
}

TimeMs AlertRule::NextTimer(const RowRef& row) const {
  const int64_t* cell = row.cells() + cells_;
  return plan_->on_expired && cell[kOpen] != 0 && cell[kValidUntil] != 0 ? cell[kValidUntil] : kAfterTime;
}

EpisodeView AlertRule::View(const RowRef& row) const {
  const int64_t* cell = row.cells() + cells_;
  return {cell[kOpen] != 0,
          cell[kOpenedAt],
          cell[kValidUntil],
          cell[kSilentSince],
          static_cast<int>(cell[kRevision]),
          static_cast<int>(cell[kSeverity]),
          static_cast<int>(cell[kReason]) - 1,
          static_cast<int>(cell[kTwin])};
}

void AlertRule::SetReason(RowRef* row, int reason) const { row->cells()[cells_ + kReason] = reason + 1; }

}  // namespace ebb
