// Where one row's alert rules meet: each rule's state machine (episode.h) says what it wants; here it is decided what
// may be, counted, and written.
//
// A rule that is ready to open passes, in this order: the customer's limit over all rules, its budget (it waits for the
// close of the period), and quiet hours (it waits for their end). Rules that are ready at the same instant share a
// customer's limit by priority, then in the order of the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/task/operator.h"
#include "operators/alert/alert_text.h"
#include "operators/alert/episode.h"
#include "operators/plan.h"
#include "operators/score/scorecard.h"

namespace ebb {

class Pipeline;

// The counters of one alert, in the order in which they are kept.
enum class AlertCounter {
  kCondition,
  kOpened,
  kEscalated,
  kUpdated,
  kResolved,
  kExpired,
  kUnconfirmed,
  kCooldown,
  kBudget,
  kQuiet,
  kCustomerLimit,
  kWithdrawn,
  kHoldout,
  kCount
};
std::string_view AlertCounterName(AlertCounter counter);

// One row at one instant, its registers computed.
struct Moment {
  Trigger trigger;
  RowRef* row;
  TimeMs now;
  const double* registers;
  Outputs* outputs;
};

// A rule of a customer that wants a place in its budget's period, which has just closed.
struct Bid {
  int budget;       // index into Plan::budgets
  int rule;         // index into Plan::alerts
  double priority;  // null ranks last
  std::string customer;
};

// Confined to its task's thread.
class AlertDesk {
 public:
  // Writes its counters to counters[first] and on; all outlive this.
  AlertDesk(const Pipeline* pipeline, std::vector<int64_t>* counters, size_t first);

  static std::vector<std::string> CounterNames(const Plan& plan);

  void Expire(const Moment& moment);
  // The rules of one evaluation of the plan.
  void Evaluate(const Moment& moment, int evaluation);
  // What waited until now: quiet hours are over, or a budget's period ends with this millisecond.
  void EndWaits(const Moment& moment);
  // The bids since the last call.
  std::vector<Bid> TakeBids();
  // What the ranking made of a bid; true when it used a place. Who gets none waits for the next close.
  bool Settle(const Bid& bid, bool place_left, const Moment& moment);
  // Whether any rule ever waits.
  bool waits() const { return waits_; }

 private:
  struct Ready {
    int rule;
    bool granted;  // it has waited for its budget already, or needs none
  };

  int64_t& Count(size_t rule, AlertCounter what);
  void Step(size_t rule, const EpisodeStep& step, bool granted, const Moment& moment);
  void OpenReady(const Moment& moment);
  bool Open(size_t rule, bool granted, const Moment& moment);
  bool LimitReached(const Moment& moment) const;
  void NoteOpening(const Moment& moment);
  double Priority(size_t rule, const double* registers) const;
  int MainReason(size_t rule, const double* registers) const;
  void CheckUpdate(size_t rule, const Moment& moment);
  bool HeldOut(size_t rule, const RowRef& row) const;
  void Write(size_t rule, EpisodeEvent event, const Moment& moment);

  const Pipeline& pipeline_;
  const Plan& plan_;
  std::vector<int64_t>& counters_;
  const size_t first_counter_;
  std::vector<size_t> reason_counters_;  // by alert: its first
  bool waits_ = false;

  std::vector<Ready> ready_;
  std::vector<Bid> bids_;
  std::string line_;
};

}  // namespace ebb
