// The simulation. Trouble is a number from 0 (the usual life) to 1 (the day of leaving) that grows over three to six
// weeks; each cause turns it into other traces. Those who stay have quiet weeks, bad coverage and complaints too, so
// that no single sign gives a leaver away.
#include "connectors/generator/telecom_customer.h"

#include <algorithm>
#include <array>

#include "engine/base/check.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

constexpr double kLeavingShare = 0.15;
constexpr double kJoiningShare = 0.10;  // of the others: customers who come after the start
constexpr double kQuietShare = 0.35;    // customers who have a holiday
constexpr double kBadCoverageShare = 0.08;
constexpr double kComplaintsPerDay = 0.003;
constexpr double kStrangerShare = 0.05;  // calls to numbers outside the circle
constexpr uint32_t kMaxCallSeconds = 45 * 60;

constexpr std::array<std::string_view, 6> kCauseNames = {"none",       "network_trouble", "price_rise",
                                                         "competitor", "life_change",     "bad_service"};
constexpr std::array<std::string_view, 4> kChannels = {"app", "shop", "voucher", "bank"};
constexpr std::array<std::string_view, 5> kCategories = {"coverage", "billing", "service", "device", "other"};
constexpr uint8_t kCoverage = 0, kBilling = 1, kService = 2;

// Calls by the hour of the day (UTC), in thousandths.
constexpr std::array<int, 24> kHourWeights = {8,  4,  3,  2,  3,  8,  22, 40, 55, 60, 62, 63,
                                              66, 62, 58, 58, 62, 70, 78, 74, 60, 42, 26, 14};

uint64_t Mix(uint64_t a, uint64_t b) { return Random(a * 0xD6E8FEB86659FD93ull + b).Next(); }

TimeMs TimeOfDay(Random* random) {
  int64_t ticket = random->Between(0, 999);
  int hour = 0;
  while (ticket >= kHourWeights[hour]) ticket -= kHourWeights[hour++];
  return hour * kHour + random->Between(0, kHour - 1);
}

// Knuth's product of uniforms; for means of some tens at most.
int Poisson(double mean, Random* random) {
  double limit = PortableExp(-mean);
  int count = 0;
  for (double product = random->Unit(); product > limit; product *= random->Unit()) ++count;
  return count;
}

double Range(double low, double high, Random* random) { return low + (high - low) * random->Unit(); }

}  // namespace

std::string_view LeavingCauseName(LeavingCause cause) { return kCauseNames[static_cast<size_t>(cause)]; }
std::string_view RechargeChannel(int kind) { return kChannels[kind]; }
std::string_view ComplaintCategory(int kind) { return kCategories[kind]; }

TelecomCustomer::TelecomCustomer(uint64_t seed, uint32_t number, TimeMs start, int days)
    : number_(number), circle_seed_(Mix(seed, number)), random_(Mix(circle_seed_, 1)) {
  EBB_CHECK(days >= 1, "days is {}", days);
  // Between 0.5 and 8 calls a day, most of them at the lower end.
  calls_per_day_ = 0.5 * PortableExp2(4.0 * random_.Unit());
  mean_seconds_ = Range(40, 220, &random_);
  drop_share_ = Range(0.004, 0.025, &random_);
  recharge_days_ = Range(4, 30, &random_);
  recharge_cents_ = static_cast<uint32_t>(500 * random_.Between(1, 8));
  cents_per_minute_ = static_cast<uint32_t>(random_.Between(6, 24));
  circle_size_ = static_cast<uint8_t>(random_.Between(4, 18));
  channel_ = static_cast<uint8_t>(random_.Below(kChannels.size()));
  joins_at_ = start;
  if (random_.Chance(kLeavingShare)) {
    DrawLeaving(start, days);
  } else if (random_.Chance(kJoiningShare)) {
    joins_at_ = start + random_.Between(0, days * kDay / 2);
  }
  DrawSpells(start, days);
  next_recharge_ = joins_at_ + static_cast<TimeMs>(recharge_days_ * random_.Unit() * static_cast<double>(kDay));
}

std::optional<TimeMs> TelecomCustomer::leaves_at() const {
  if (cause_ == LeavingCause::kNone) return std::nullopt;
  return leaves_at_;
}

void TelecomCustomer::DrawLeaving(TimeMs start, int days) {
  cause_ = static_cast<LeavingCause>(random_.Between(1, kCauseNames.size() - 1));
  // Not in the first third, so that there is a life before it to compare with.
  leaves_at_ = start + days * kDay / 3 + random_.Between(0, days * kDay - days * kDay / 3 - 1);
  trouble_from_ = std::max(start, leaves_at_ - random_.Between(21 * kDay, 42 * kDay));
  if (cause_ == LeavingCause::kLifeChange) trouble_from_ = kAfterTime;
}

void TelecomCustomer::DrawSpells(TimeMs start, int days) {
  if (random_.Chance(kQuietShare)) {
    quiet_from_ = start + random_.Between(0, days * kDay);
    quiet_to_ = quiet_from_ + random_.Between(3 * kDay, 12 * kDay);
  }
  if (cause_ == LeavingCause::kNone && random_.Chance(kBadCoverageShare)) {
    drops_from_ = start + random_.Between(0, days * kDay);
    drops_to_ = drops_from_ + random_.Between(7 * kDay, 20 * kDay);
  }
}

double TelecomCustomer::Trouble(TimeMs time) const {
  if (time < trouble_from_) return 0;
  return std::min(1.0, static_cast<double>(time - trouble_from_) / static_cast<double>(leaves_at_ - trouble_from_));
}

TimeMs TelecomCustomer::Delay() {
  double luck = random_.Unit();
  if (luck < 0.90) return random_.Between(300, 8 * kSecond);
  if (luck < 0.99) return random_.Between(8 * kSecond, 5 * kMinute);
  return random_.Between(5 * kMinute, 70 * kMinute);
}

void TelecomCustomer::Emit(TelecomEvent event, std::vector<TelecomEvent>* out) {
  if (event.time < joins_at_ || event.time >= leaves_at_) return;
  event.customer = number_;
  event.number = event_count_++;
  event.arrival = event.time + static_cast<TimeMs>(event.seconds) * kSecond + Delay();
  out->push_back(event);
}

void TelecomCustomer::LiveDay(TimeMs day, std::vector<TelecomEvent>* out) {
  if (day >= leaves_at_ || day + kDay <= joins_at_) return;
  double trouble = Trouble(day);
  Call(day, trouble, out);
  while (next_recharge_ < day + kDay) Recharge(trouble, out);
  Complain(day, trouble, out);
}

void TelecomCustomer::Call(TimeMs day, double trouble, std::vector<TelecomEvent>* out) {
  double rate = calls_per_day_;
  double drop_share = drop_share_;
  double circle = circle_size_;
  uint32_t cents_per_minute = cents_per_minute_;
  bool quiet = quiet_from_ <= day && day < quiet_to_;
  if (quiet) rate *= 0.15;
  int64_t weekday = (day / kDay + 4) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
  if (weekday == 0 || weekday == 6) rate *= 0.8;
  if (drops_from_ <= day && day < drops_to_) drop_share += 0.12;
  switch (cause_) {
    case LeavingCause::kNetworkTrouble:
      drop_share += 0.35 * trouble;
      rate *= 1 - 0.3 * trouble;
      break;
    case LeavingCause::kPriceRise:
      if (trouble > 0) cents_per_minute = cents_per_minute * 7 / 5;
      rate *= 1 - 0.4 * trouble;
      break;
    case LeavingCause::kCompetitor:
      rate *= 1 - 0.85 * trouble;
      circle = std::max(1.0, circle * (1 - 0.8 * trouble));
      break;
    case LeavingCause::kBadService:
      rate *= 1 - 0.25 * trouble;
      break;
    case LeavingCause::kNone:
    case LeavingCause::kLifeChange:
      break;
  }
  for (int left = Poisson(rate, &random_); left > 0; --left) {
    TelecomEvent event;
    event.stream = kCallStream;
    event.time = day + TimeOfDay(&random_);
    // The square prefers the first numbers of the circle: everybody has a few who are called most.
    double closeness = random_.Unit();
    uint64_t partner = static_cast<uint64_t>(circle * closeness * closeness);
    if (random_.Chance(kStrangerShare)) partner = 1000 + random_.Below(1000000);
    event.callee = 27000000000ull + Mix(circle_seed_, 1000 + partner) % 1000000000ull;
    double seconds = 1 - mean_seconds_ * PortableLog(1 - random_.Unit());
    event.dropped = random_.Chance(drop_share);
    if (event.dropped) seconds = 1 + seconds / 4;
    event.seconds = std::min(kMaxCallSeconds, static_cast<uint32_t>(seconds));
    event.amount = (event.seconds * cents_per_minute + 59) / 60;
    Emit(event, out);
  }
}

void TelecomCustomer::Recharge(double trouble, std::vector<TelecomEvent>* out) {
  double size = Range(0.8, 1.2, &random_);
  double wait = Range(0.75, 1.25, &random_);
  if (cause_ == LeavingCause::kPriceRise || cause_ == LeavingCause::kCompetitor) {
    size *= 1 - 0.6 * trouble;
    wait *= 1 + 0.5 * trouble;
  }
  TelecomEvent event;
  event.stream = kRechargeStream;
  event.time = next_recharge_;
  uint32_t steps = static_cast<uint32_t>(recharge_cents_ * size / 50);  // of 50 cents
  event.amount = 50 * std::max(2u, steps);
  event.kind = random_.Chance(0.8) ? channel_ : static_cast<uint8_t>(random_.Below(kChannels.size()));
  Emit(event, out);
  next_recharge_ += static_cast<TimeMs>(recharge_days_ * wait * static_cast<double>(kDay));
}

void TelecomCustomer::Complain(TimeMs day, double trouble, std::vector<TelecomEvent>* out) {
  double rate = kComplaintsPerDay;
  std::optional<uint8_t> about;
  if (drops_from_ <= day && day < drops_to_) {
    rate += 0.02;
    about = kCoverage;
  }
  if (trouble > 0) {
    switch (cause_) {
      case LeavingCause::kNetworkTrouble:
        rate += 0.10 * trouble;
        about = kCoverage;
        break;
      case LeavingCause::kPriceRise:
        rate += 0.05;
        about = kBilling;
        break;
      case LeavingCause::kBadService:
        rate += 0.16 * trouble;
        about = kService;
        break;
      default:
        break;
    }
  }
  for (int left = Poisson(rate, &random_); left > 0; --left) {
    TelecomEvent event;
    event.stream = kComplaintStream;
    event.time = day + TimeOfDay(&random_);
    bool usual = !about.has_value() || random_.Chance(0.15);
    event.kind = usual ? static_cast<uint8_t>(random_.Below(kCategories.size())) : *about;
    int64_t severity = random_.Between(1, 2) + static_cast<int64_t>(trouble * 2.5);
    event.severity = static_cast<uint8_t>(std::min<int64_t>(4, severity));
    Emit(event, out);
  }
}

}  // namespace ebb
