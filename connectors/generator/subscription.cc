// The industry `subscription`: what members of a streaming service watch, pay, change in their contract and complain
// about.
#include <algorithm>
#include <array>

#include "connectors/generator/industry.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

enum Stream : int { kPlays, kPayments, kContracts, kRatings, kTickets, kSurveys };

constexpr std::array<std::string_view, 8> kGenres = {"drama", "comedy", "crime", "kids",
                                                     "sport", "news",   "music", "nature"};
constexpr std::array<std::string_view, 3> kDevices = {"tv", "phone", "computer"};
constexpr DurationMs kMonth = 30 * kDay;

using enum LeavingCause;

// Confined to its task's thread.
class Member : public SimulatedCustomer {
 public:
  explicit Member(const CustomerSetting& setting) : SimulatedCustomer(setting) {
    plays_per_day_ = 0.3 * PortableExp2(3.0 * random().Unit());
    minutes_ = Range(18, 60);
    stall_share_ = Range(0.005, 0.03);
    plan_cents_ = random().Chance(0.4) ? 1499 : 899;
    taste_ = random().Between(2, static_cast<int64_t>(kGenres.size()));
    device_ = random().Below(kDevices.size());
    next_payment_ = joins_at() + random().Between(0, kMonth - 1);
  }

 protected:
  void Live(TimeMs day) override {
    double activity = lull() * (quiet() ? 0.3 : 1) * (weekend() ? 1.4 : 0.85);
    activity *= (1 - 0.4 * Trouble(kNetworkTrouble)) * (1 - 0.4 * Trouble(kPriceRise)) *
                (1 - 0.8 * Trouble(kCompetitor)) * (1 - 0.3 * Trouble(kBadService));
    for (int left = Poisson(plays_per_day_ * activity); left > 0; --left) Play(day + TimeOfDay());
    while (next_payment_ < day + kDay) Pay();
    ChangeContract(day);
    UseService({.tickets_stream = kTickets,
                .surveys_stream = kSurveys,
                .tickets_per_day = 0.003,
                .surveys_per_day = 1.0 / 60,
                .failing = "playback",
                .price = "billing"});
  }

 private:
  void Play(TimeMs time) {
    const bool stalled = random().Chance(stall_share_ + 0.35 * Trouble(kNetworkTrouble) + (rough() ? 0.12 : 0));
    const double kinds = std::max(1.0, static_cast<double>(taste_) * (1 - 0.7 * Trouble(kCompetitor)));
    const size_t genre = Fate(10 + random().Below(static_cast<uint64_t>(kinds))) % kGenres.size();
    const double minutes = Wait(minutes_) * (1 - 0.5 * Trouble(kCompetitor)) * (stalled ? 0.4 : 1);
    Emit(kPlays, time, 0, R"("minutes":{},"genre":"{}","device":"{}","stalled":{})",
         1 + static_cast<int64_t>(std::min(240.0, minutes)), kGenres[genre], kDevices[device_], stalled);
    if (!random().Chance(0.06)) return;
    const double stars = Range(3, 5.6) - 2 * Trouble(kNetworkTrouble) - Trouble(kPriceRise) - Trouble(kCompetitor);
    Emit(kRatings, time + kHour, 0, R"("stars":{})", static_cast<int>(std::clamp(stars, 1.0, 5.0)));
  }

  void Pay() {
    const int64_t cents = Trouble(kPriceRise) > 0 ? plan_cents_ * 5 / 4 : plan_cents_;
    const bool failed = random().Chance(0.03 + 0.25 * Trouble(kPriceRise));
    Emit(kPayments, next_payment_, 0, R"("amount":{}.{:02},"failed":{})", cents / 100, cents % 100, failed);
    next_payment_ += failed ? 3 * kDay : kMonth;
  }

  void ChangeContract(TimeMs day) {
    const double leaving = Trouble(cause());
    if (renews_ && random().Chance(0.0004 + 0.04 * leaving)) {
      renews_ = false;
      Emit(kContracts, day + TimeOfDay(), 0, R"("event":"auto_renew_off")");
    } else if (!renews_ && random().Chance(0.05 * (1 - leaving))) {
      renews_ = true;
      Emit(kContracts, day + TimeOfDay(), 0, R"("event":"auto_renew_on")");
    }
    if (random().Chance(0.0006 + 0.03 * Trouble(kPriceRise))) {
      plan_cents_ = 899;
      Emit(kContracts, day + TimeOfDay(), 0, R"("event":"downgrade")");
    }
    if (random().Chance(0.001 + 0.03 * leaving)) {
      Emit(kContracts, day + TimeOfDay(), 0, R"("event":"cancel_page")");
    }
  }

  double plays_per_day_, minutes_, stall_share_;
  int64_t plan_cents_, taste_;
  size_t device_;
  TimeMs next_payment_;
  bool renews_ = true;
};

constexpr std::string_view kKey = R"("customer_id":")";

}  // namespace

const Industry kSubscription = {
    .name = "subscription",
    .streams = {{"plays", "play_id", 'p', kKey, "\"", "ts"},
                {"payments", "payment_id", 'k', kKey, "\"", "ts"},
                {"contracts", "change_id", 'c', kKey, "\"", "ts"},
                {"ratings", "rating_id", 's', kKey, "\"", "ts"},
                {"tickets", "event_id", 'e', kKey, "\"", "ts"},
                {"surveys", "survey_id", 'n', kKey, "\"", "ts"}},
    .new_customer = [](const CustomerSetting& setting) -> std::unique_ptr<SimulatedCustomer> {
      return std::make_unique<Member>(setting);
    },
};

}  // namespace ebb
