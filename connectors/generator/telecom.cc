// The industry `telecom`: calls, recharges, complaints, daily use of messages and data, call partners who change to
// another network, surveys.
#include <algorithm>
#include <array>

#include "connectors/generator/industry.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

enum Stream : int { kCalls, kRecharges, kComplaints, kUsage, kPorts, kSurveys };

constexpr double kComplaintsPerDay = 0.003;
constexpr double kSurveysPerDay = 1.0 / 60;
constexpr double kStrangerShare = 0.05;  // calls to numbers outside the circle
constexpr double kOnNetShare = 0.7;      // of the circle
constexpr int64_t kMaxCallSeconds = 45 * 60;
constexpr int kStrangers = 1000;  // their numbers begin here

constexpr std::array<std::string_view, 4> kChannels = {"app", "shop", "voucher", "bank"};
constexpr std::array<std::string_view, 5> kCategories = {"coverage", "billing", "service", "device", "other"};
constexpr int kCoverage = 0, kBilling = 1, kService = 2;

using enum LeavingCause;

// Confined to its task's thread.
class Subscriber : public SimulatedCustomer {
 public:
  explicit Subscriber(const CustomerSetting& setting) : SimulatedCustomer(setting) {
    // Between 0.5 and 8 calls a day, most of them at the lower end.
    calls_per_day_ = 0.5 * PortableExp2(4.0 * random().Unit());
    mean_seconds_ = Range(40, 220);
    drop_share_ = Range(0.004, 0.025);
    recharge_days_ = Range(4, 30);
    recharge_cents_ = static_cast<int64_t>(500 * random().Between(1, 8));
    cents_per_minute_ = random().Between(6, 24);
    circle_size_ = static_cast<int>(random().Between(4, 18));
    channel_ = random().Below(kChannels.size());
    megabytes_per_day_ = 20 * PortableExp2(6.0 * random().Unit());
    messages_per_day_ = Range(0, 4);
    next_recharge_ = joins_at() + static_cast<TimeMs>(recharge_days_ * random().Unit() * static_cast<double>(kDay));
  }

 protected:
  void Live(TimeMs day) override {
    double activity = lull() * (quiet() ? 0.15 : 1);
    activity *= (1 - 0.3 * Trouble(kNetworkTrouble)) * (1 - 0.4 * Trouble(kPriceRise)) *
                (1 - 0.85 * Trouble(kCompetitor)) * (1 - 0.25 * Trouble(kBadService));
    Call(day, activity);
    while (next_recharge_ < day + kDay) Recharge();
    Complain(day);
    Use(day, activity);
    LosePartners(day);
    UseService({.surveys_stream = kSurveys, .surveys_per_day = kSurveysPerDay});
  }

 private:
  void Call(TimeMs day, double activity) {
    double drop_share = drop_share_ + 0.35 * Trouble(kNetworkTrouble) + (rough() ? 0.12 : 0);
    const double circle = std::max(1.0, circle_size_ * (1 - 0.8 * Trouble(kCompetitor)));
    const int64_t cents_per_minute = Trouble(kPriceRise) > 0 ? cents_per_minute_ * 7 / 5 : cents_per_minute_;
    for (int left = Poisson(calls_per_day_ * activity * (weekend() ? 0.8 : 1)); left > 0; --left) {
      const TimeMs time = day + TimeOfDay();
      // The square prefers the first numbers of the circle: everybody has a few who are called most.
      const double closeness = random().Unit();
      int partner = static_cast<int>(circle * closeness * closeness);
      if (random().Chance(kStrangerShare)) partner = kStrangers + static_cast<int>(random().Below(1000000));
      double seconds = 1 + Wait(mean_seconds_);
      const bool dropped = random().Chance(drop_share);
      if (dropped) seconds = 1 + seconds / 4;
      const int64_t whole = std::min(kMaxCallSeconds, static_cast<int64_t>(seconds));
      const int64_t cents = (whole * cents_per_minute + 59) / 60;
      Emit(kCalls, time, whole * kSecond, R"("duration_s":{},"dropped":{},"charge":{}.{:02},"callee":"{}","on_net":{})",
           whole, dropped, cents / 100, cents % 100, Number(partner), OnNet(partner) && time < PartnerLeaves(partner));
    }
  }

  void Recharge() {
    double size = Range(0.8, 1.2);
    double wait = Range(0.75, 1.25);
    const double saving = Trouble(kPriceRise) + Trouble(kCompetitor);
    size *= 1 - 0.6 * saving;
    wait *= 1 + 0.5 * saving;
    const auto steps = static_cast<int64_t>(static_cast<double>(recharge_cents_) * size / 50);  // of 50 cents
    const int64_t cents = 50 * std::max<int64_t>(2, steps);
    const size_t channel = random().Chance(0.8) ? channel_ : random().Below(kChannels.size());
    Emit(kRecharges, next_recharge_, 0, R"("amount":{}.{:02},"channel":"{}")", cents / 100, cents % 100,
         kChannels[channel]);
    next_recharge_ += static_cast<TimeMs>(recharge_days_ * wait * static_cast<double>(kDay));
  }

  void Complain(TimeMs day) {
    double rate = kComplaintsPerDay + (rough() ? 0.02 : 0) + 0.10 * Trouble(kNetworkTrouble) +
                  0.16 * Trouble(kBadService) + (Trouble(kPriceRise) > 0 ? 0.05 : 0);
    int about = rough() ? kCoverage : -1;
    if (Trouble(kNetworkTrouble) > 0) about = kCoverage;
    if (Trouble(kPriceRise) > 0) about = kBilling;
    if (Trouble(kBadService) > 0) about = kService;
    for (int left = Poisson(rate); left > 0; --left) {
      const TimeMs time = day + TimeOfDay();
      const bool usual = about < 0 || random().Chance(0.15);
      const size_t category = usual ? random().Below(kCategories.size()) : about;
      const int64_t severity = Severity();
      Emit(kComplaints, time, 0, R"("category":"{}","severity":{})", kCategories[category], severity);
    }
  }

  // The day's messages and data, written down in the evening.
  void Use(TimeMs day, double activity) {
    const int messages = Poisson(messages_per_day_ * activity);
    const auto megabytes = static_cast<int64_t>(Wait(megabytes_per_day_) * activity * (rough() ? 0.7 : 1));
    if (messages == 0 && megabytes == 0) return;
    Emit(kUsage, day + 23 * kHour + random().Between(0, 50 * kMinute), 0, R"("messages":{},"megabytes":{})", messages,
         megabytes);
  }

  // A partner who had been on our network has gone: the database of ported numbers, joined with who calls whom.
  void LosePartners(TimeMs day) {
    for (int partner = 0; partner < circle_size_; ++partner) {
      const TimeMs leaves = PartnerLeaves(partner);
      if (leaves < day || leaves >= day + kDay || !OnNet(partner)) continue;
      Emit(kPorts, leaves, 0, R"("callee":"{}")", Number(partner));
    }
  }

  uint64_t Number(int partner) const { return 27000000000ull + Fate(partner) % 1000000000ull; }
  bool OnNet(int partner) const { return FateUnit(partner + 2 * kStrangers) < kOnNetShare; }
  // Partners leave now and then; many of them, one after the other, when a competitor courts the whole circle.
  TimeMs PartnerLeaves(int partner) const {
    if (partner >= kStrangers) return kAfterTime;
    const double luck = FateUnit(partner + 3 * kStrangers);
    if (cause() == kCompetitor && luck < 0.5) {
      return trouble_from() + static_cast<TimeMs>(2 * luck * static_cast<double>(last_moment() - trouble_from()));
    }
    return luck > 0.94 ? first_day() + static_cast<TimeMs>((luck - 0.94) / 0.06 * 365 * kDay) : kAfterTime;
  }

  double calls_per_day_, mean_seconds_, drop_share_, recharge_days_, megabytes_per_day_, messages_per_day_;
  int64_t recharge_cents_, cents_per_minute_;
  int circle_size_;
  size_t channel_;
  TimeMs next_recharge_;
};

}  // namespace

const Industry kTelecom = {
    .name = "telecom",
    .streams = {{"calls", "record_id", 'r', R"("subscriber":{"id":")", R"("})", "start_ts"},
                {"recharges", "recharge_id", 'p', R"("subscriber_id":")", "\"", "ts"},
                {"complaints", "complaint_id", 'q', R"("subscriber_id":")", "\"", "ts"},
                {"usage", "usage_id", 'u', R"("subscriber_id":")", "\"", "ts"},
                {"ports", "port_id", 'x', R"("subscriber_id":")", "\"", "ts"},
                {"surveys", "survey_id", 's', R"("subscriber_id":")", "\"", "ts"}},
    .new_customer = [](const CustomerSetting& setting) -> std::unique_ptr<SimulatedCustomer> {
      return std::make_unique<Subscriber>(setting);
    },
};

}  // namespace ebb
