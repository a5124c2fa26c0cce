// An alert rule's episodes, one customer at a time.
//
//              when holds `confirm` times in a row, cooldown over, nothing else forbids it
//     closed ───────────────────────────────────────────────────▶ open ──▶ (a higher severity holds: escalated)
//      ▲ ▲ │                                                       ▲ │      (another main reason: updated)
//      │ │ └──▶ waiting (for its budget's close, for the end ──────┘ │
//      │ │         │     of quiet hours)                             │
//      │ └─────────┘ the condition no longer holds: withdrawn        │
//      ├──── clear holds (or `when` no longer, without clear) ───────┤  resolved
//      └──── valid_for has passed ───────────────────────────────────┘  expired
//
// The cooldown counts from the opening of the last episode. Whether a rule that may open does open is decided one level
// up (alert_desk.h), where other rules and other customers are seen.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/state/row.h"
#include "operators/plan.h"

namespace ebb {

enum class EpisodeEvent : uint8_t {
  kNone,
  kReady,  // it may open: Open, Wait, or neither
  kOpened,
  kEscalated,
  kUpdated,
  kResolved,
  kExpired
};
std::string_view EpisodeEventName(EpisodeEvent event);

// Why an evaluation opened nothing although the condition held, or no longer holds (kWithdrawn).
enum class Suppressed : uint8_t { kNo, kUnconfirmed, kCooldown, kQuiet, kWithdrawn };

struct EpisodeStep {
  EpisodeEvent event = EpisodeEvent::kNone;
  Suppressed suppressed = Suppressed::kNo;
  bool condition = false;  // `when` held
};

// What a rule waits for.
enum class Waiting : uint8_t {
  kNo,
  kBudget,      // the close of its budget's period
  kOpening,     // the end of quiet hours, to open
  kEscalation,  // the end of quiet hours, to escalate
};

// What is known of a customer's current or last episode.
struct EpisodeView {
  bool open;
  TimeMs opened_at;     // 0: never
  TimeMs valid_until;   // 0: no limit
  TimeMs silent_since;  // the customer's last record before the opening
  int revision;
  int severity;  // index into AlertPlan::severities, -1: the default
  int reason;    // index into ReasonCodes of its score: the main reason at the opening; -1: none
  int twin;      // earlier episodes that were opened at the same instant: late records share one
  Waiting waiting = Waiting::kNo;
  TimeMs wait_until = 0;  // 0: it doesn't wait
};

// Immutable after construction.
class AlertRule {
 public:
  explicit AlertRule(const AlertPlan* plan) : plan_(plan) {}

  void Declare(RowLayoutBuilder* layout);
  // One evaluation. An episode whose validity is over expires first: call Expire before.
  EpisodeStep Evaluate(const double* registers, RowRef* row, TimeMs now) const;
  // The end of a wait: kReady, kEscalated, or withdrawn. Only when View says that it has come.
  EpisodeStep EndWait(const double* registers, RowRef* row, TimeMs now) const;
  // After kReady: the episode begins, or the rule waits.
  void Open(const double* registers, RowRef* row, TimeMs now, TimeMs last_record) const;
  void Wait(RowRef* row, Waiting what, TimeMs until) const;
  // After kReady: it stays closed.
  void StopWaiting(RowRef* row) const;
  // Another line of the open episode.
  void Update(RowRef* row) const;
  // Closes an open episode whose validity is over; true when it did.
  bool Expire(RowRef* row, TimeMs now) const;
  // The first instant from `from` on at which an open episode expires, if that is to be written, or a wait ends;
  // kAfterTime otherwise.
  TimeMs NextTimer(const RowRef& row, TimeMs from) const;
  EpisodeView View(const RowRef& row) const;
  // Notes why the open episode was opened.
  void SetReason(RowRef* row, int reason) const;
  const AlertPlan& plan() const { return *plan_; }
  bool waits() const { return wait_cells_ >= 0; }

 private:
  int Severity(const double* registers) const;
  bool Ended(const double* registers) const;
  EpisodeStep EvaluateOpen(const double* registers, RowRef* row, TimeMs now, bool condition) const;

  const AlertPlan* plan_;
  int cells_ = -1;
  int wait_cells_ = -1;  // -1: this rule never waits
};

}  // namespace ebb
