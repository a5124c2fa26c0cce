// The state machine of the header; nine cells of the row, and two more for a rule that can wait.
#include "operators/alert/episode.h"

#include <algorithm>

namespace ebb {
namespace {

enum Cell { kOpen, kOpenedAt, kValidUntil, kSilentSince, kStreak, kRevision, kSeverity, kReason, kTwin, kCells };
enum WaitCell { kWaiting, kWaitUntil, kWaitCells };

}  // namespace

std::string_view EpisodeEventName(EpisodeEvent event) {
  static constexpr std::array<std::string_view, 7> kNames = {"none",    "ready",    "opened", "escalated",
                                                             "updated", "resolved", "expired"};
  return kNames[static_cast<size_t>(event)];
}

void AlertRule::Declare(RowLayoutBuilder* layout) {
  cells_ = layout->AddCells("alert." + plan_->name, kCells);
  if (plan_->budget >= 0 || plan_->quiet.from != plan_->quiet.to) {
    wait_cells_ = layout->AddCells("wait." + plan_->name, kWaitCells);
  }
}

int AlertRule::Severity(const double* registers) const {
  int severity = -1;
  for (size_t i = 0; i < plan_->severities.size(); ++i) {
    if (registers[plan_->severities[i].condition] == 1) severity = static_cast<int>(i);
  }
  return severity;
}

bool AlertRule::Ended(const double* registers) const {
  return plan_->clear >= 0 ? registers[plan_->clear] == 1 : registers[plan_->when] != 1;
}

bool AlertRule::Expire(RowRef* row, TimeMs now) const {
  int64_t* cell = row->cells() + cells_;
  if (cell[kOpen] == 0 || cell[kValidUntil] == 0 || now < cell[kValidUntil]) return false;
  cell[kOpen] = 0;
  cell[kStreak] = 0;
  ++cell[kRevision];
  StopWaiting(row);
  return true;
}

EpisodeStep AlertRule::EvaluateOpen(const double* registers, RowRef* row, TimeMs now, bool condition) const {
  int64_t* cell = row->cells() + cells_;
  EpisodeStep step;
  step.condition = condition;
  const int severity = Severity(registers);
  if (Ended(registers)) {
    cell[kOpen] = 0;
    cell[kStreak] = 0;
    ++cell[kRevision];
    StopWaiting(row);
    step.event = EpisodeEvent::kResolved;
  } else if (severity > cell[kSeverity]) {
    const TimeMs until = QuietUntil(plan_->quiet, registers, now);
    if (until > now) {
      if (View(*row).waiting == Waiting::kNo) step.suppressed = Suppressed::kQuiet;
      Wait(row, Waiting::kEscalation, until);
      return step;
    }
    cell[kSeverity] = severity;
    ++cell[kRevision];
    StopWaiting(row);
    step.event = EpisodeEvent::kEscalated;
  }
  return step;
}

EpisodeStep AlertRule::Evaluate(const double* registers, RowRef* row, TimeMs now) const {
  int64_t* cell = row->cells() + cells_;
  const bool condition = registers[plan_->when] == 1;
  if (cell[kOpen] != 0) return EvaluateOpen(registers, row, now, condition);
  EpisodeStep step;
  step.condition = condition;
  cell[kStreak] = condition ? std::min<int64_t>(cell[kStreak] + 1, plan_->confirm) : 0;
  if (wait_cells_ >= 0 && row->cells()[wait_cells_ + kWaiting] != 0) {
    if (!Ended(registers)) return step;
    StopWaiting(row);
    cell[kStreak] = 0;
    step.suppressed = Suppressed::kWithdrawn;
    return step;
  }
  if (!condition) return step;
  if (cell[kStreak] < plan_->confirm) {
    step.suppressed = Suppressed::kUnconfirmed;
  } else if (cell[kOpenedAt] != 0 && now - cell[kOpenedAt] < plan_->cooldown) {
    step.suppressed = Suppressed::kCooldown;
  } else {
    step.event = EpisodeEvent::kReady;
  }
  return step;
}

EpisodeStep AlertRule::EndWait(const double* registers, RowRef* row, TimeMs now) const {
  int64_t* cell = row->cells() + cells_;
  EpisodeStep step;
  if (cell[kOpen] != 0) {
    StopWaiting(row);
    const int severity = Severity(registers);
    const TimeMs until = QuietUntil(plan_->quiet, registers, now);
    if (Ended(registers) || severity <= cell[kSeverity]) return step;
    if (until > now) {  // the customer's zone has changed
      Wait(row, Waiting::kEscalation, until);
      return step;
    }
    cell[kSeverity] = severity;
    ++cell[kRevision];
    step.event = EpisodeEvent::kEscalated;
  } else if (Ended(registers)) {
    StopWaiting(row);
    cell[kStreak] = 0;
    step.suppressed = Suppressed::kWithdrawn;
  } else {
    step.event = EpisodeEvent::kReady;
  }
  return step;
}

void AlertRule::Open(const double* registers, RowRef* row, TimeMs now, TimeMs last_record) const {
  int64_t* cell = row->cells() + cells_;
  StopWaiting(row);
  cell[kOpen] = 1;
  cell[kTwin] = cell[kOpenedAt] == now ? cell[kTwin] + 1 : 0;
  cell[kOpenedAt] = now;
  cell[kValidUntil] = plan_->valid_for == 0 ? 0 : now + plan_->valid_for;
  cell[kSilentSince] = last_record;
  cell[kRevision] = 0;
  cell[kSeverity] = Severity(registers);
}

void AlertRule::Wait(RowRef* row, Waiting what, TimeMs until) const {
  int64_t* cell = row->cells() + wait_cells_;
  cell[kWaiting] = static_cast<int64_t>(what);
  cell[kWaitUntil] = until;
}

void AlertRule::StopWaiting(RowRef* row) const {
  if (wait_cells_ < 0) return;
  int64_t* cell = row->cells() + wait_cells_;
  cell[kWaiting] = 0;
  cell[kWaitUntil] = 0;
}

void AlertRule::Update(RowRef* row) const { ++row->cells()[cells_ + kRevision]; }

TimeMs AlertRule::NextTimer(const RowRef& row, TimeMs from) const {
  const int64_t* cell = row.cells() + cells_;
  const TimeMs expiry =
      plan_->on_expired && cell[kOpen] != 0 && cell[kValidUntil] != 0 ? cell[kValidUntil] : kAfterTime;
  if (wait_cells_ < 0) return expiry;
  const TimeMs wait = row.cells()[wait_cells_ + kWaitUntil];
  return wait >= from && wait != 0 ? std::min(expiry, wait) : expiry;
}

EpisodeView AlertRule::View(const RowRef& row) const {
  const int64_t* cell = row.cells() + cells_;
  EpisodeView view{cell[kOpen] != 0,
                   cell[kOpenedAt],
                   cell[kValidUntil],
                   cell[kSilentSince],
                   static_cast<int>(cell[kRevision]),
                   static_cast<int>(cell[kSeverity]),
                   static_cast<int>(cell[kReason]) - 1,
                   static_cast<int>(cell[kTwin])};
  if (wait_cells_ >= 0) {
    view.waiting = static_cast<Waiting>(row.cells()[wait_cells_ + kWaiting]);
    view.wait_until = row.cells()[wait_cells_ + kWaitUntil];
  }
  return view;
}

void AlertRule::SetReason(RowRef* row, int reason) const { row->cells()[cells_ + kReason] = reason + 1; }

}  // namespace ebb
