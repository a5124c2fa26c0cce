// An alert rule's episodes, one customer at a time.
//
//              when holds `confirm` times in a row, cooldown over
//     closed ───────────────────────────────────────────────────▶ open ──▶ (a higher severity holds: escalated)
//        ▲                                                         │
//        ├──── clear holds (or `when` no longer, without clear) ───┤  resolved
//        └──── valid_for has passed ───────────────────────────────┘  expired
//
// The cooldown counts from the opening of the last episode. What was not opened is counted with its reason.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/state/row.h"
#include "operators/plan.h"

namespace ebb {

enum class EpisodeEvent : uint8_t { kNone, kOpened, kEscalated, kResolved, kExpired };
std::string_view EpisodeEventName(EpisodeEvent event);

// Why an evaluation in which the condition held opened nothing.
enum class Suppressed : uint8_t { kNo, kUnconfirmed, kCooldown };

struct EpisodeStep {
  EpisodeEvent event = EpisodeEvent::kNone;
  Suppressed suppressed = Suppressed::kNo;
  bool condition = false;  // `when` held
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
};

// Immutable after construction.
class AlertRule {
 public:
  explicit AlertRule(const AlertPlan* plan) : plan_(plan) {}

  void Declare(RowLayoutBuilder* layout);
  // One evaluation. An episode whose validity is over expires first: call Expire before.
  EpisodeStep Evaluate(const double* registers, RowRef* row, TimeMs now, TimeMs last_record) const;
  // Closes an open episode whose validity is over; true when it did.
  bool Expire(RowRef* row, TimeMs now) const;
  // When an open episode expires, if that is to be written; kAfterTime otherwise.
  TimeMs NextTimer(const RowRef& row) const;
  EpisodeView View(const RowRef& row) const;
  // Notes why the open episode was opened.
  void SetReason(RowRef* row, int reason) const;
  const AlertPlan& plan() const { return *plan_; }

 private:
  int Severity(const double* registers) const;

  const AlertPlan* plan_;
  int cells_ = -1;
};

}  // namespace ebb
