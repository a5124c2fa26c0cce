// One simulated customer of a telephone company: a rhythm of calls, recharges and complaints, and perhaps a hidden
// cause of leaving that shows in the weeks before. A customer's history depends on the seed, the customer's number and
// the time that is simulated, never on how many others there are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/stream/time.h"

namespace ebb {

enum class LeavingCause : uint8_t {
  kNone,
  kNetworkTrouble,  // more and more dropped calls, complaints about coverage
  kPriceRise,       // dearer minutes, smaller and rarer recharges, complaints about bills
  kCompetitor,      // a second SIM: calls and the circle of callees fade out
  kLifeChange,      // stops from one day to the next, without a trace
  kBadService,      // repeated complaints of rising severity, then gone
};

// "network_trouble", "price_rise", ...; "none" for kNone.
std::string_view LeavingCauseName(LeavingCause cause);

enum TelecomStream : int { kCallStream = 0, kRechargeStream = 1, kComplaintStream = 2 };
inline constexpr int kTelecomStreams = 3;

// What happened, before it is written as a line.
struct TelecomEvent {
  TimeMs arrival = 0;
  TimeMs time = 0;
  uint32_t customer = 0;
  uint32_t number = 0;   // of this customer's events, in the order in which they were drawn
  uint64_t callee = 0;   // calls
  uint32_t amount = 0;   // cents: a call's charge, a recharge's amount
  uint32_t seconds = 0;  // calls
  uint8_t stream = 0;
  uint8_t kind = 0;      // index of a recharge's channel or a complaint's category
  uint8_t severity = 0;  // complaints: 1..4
  bool dropped = false;  // calls
};

// Names of TelecomEvent::kind.
std::string_view RechargeChannel(int kind);
std::string_view ComplaintCategory(int kind);

// Confined to its task's thread.
class TelecomCustomer {
 public:
  // The customer is known from `start` on for `days` days, which are at least 1.
  TelecomCustomer(uint64_t seed, uint32_t number, TimeMs start, int days);

  // Appends what the customer does in [day, day + 24h); days must be asked for in order, each once.
  void LiveDay(TimeMs day, std::vector<TelecomEvent>* out);

  LeavingCause cause() const { return cause_; }
  // Nothing happens at and after this time; empty for those who stay.
  std::optional<TimeMs> leaves_at() const;

 private:
  void DrawLeaving(TimeMs start, int days);
  void DrawSpells(TimeMs start, int days);
  double Trouble(TimeMs time) const;
  void Call(TimeMs day, double trouble, std::vector<TelecomEvent>* out);
  void Recharge(double trouble, std::vector<TelecomEvent>* out);
  void Complain(TimeMs day, double trouble, std::vector<TelecomEvent>* out);
  TimeMs Delay();
  void Emit(TelecomEvent event, std::vector<TelecomEvent>* out);

  // Constant.
  uint32_t number_;
  uint64_t circle_seed_;
  LeavingCause cause_ = LeavingCause::kNone;
  TimeMs joins_at_ = 0;
  TimeMs leaves_at_ = kAfterTime;
  TimeMs trouble_from_ = kAfterTime;
  double calls_per_day_;
  double mean_seconds_;
  double drop_share_;
  double recharge_days_;
  uint32_t recharge_cents_;
  uint32_t cents_per_minute_;
  uint8_t circle_size_;
  uint8_t channel_;
  TimeMs quiet_from_ = kAfterTime, quiet_to_ = kAfterTime;  // a holiday
  TimeMs drops_from_ = kAfterTime, drops_to_ = kAfterTime;  // a spell of bad coverage that is endured

  // Transient.
  Random random_;
  TimeMs next_recharge_ = 0;
  uint32_t event_count_ = 0;
};

}  // namespace ebb
