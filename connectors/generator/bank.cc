// The industry `bank`: card payments, the day's balance, incoming and outgoing money, loan instalments, logins by
// channel, tickets, surveys.
#include <algorithm>
#include <array>

#include "connectors/generator/industry.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

enum Stream : int { kCards, kBalances, kCredits, kTransfers, kLoans, kLogins, kTickets, kSurveys };

constexpr std::array<std::string_view, 6> kShops = {"grocery", "fuel", "restaurant", "travel", "online", "other"};
constexpr std::array<std::string_view, 4> kLoginChannels = {"app", "web", "branch", "phone"};
constexpr DurationMs kMonth = 30 * kDay;

using enum LeavingCause;

// Confined to its task's thread.
class AccountHolder : public SimulatedCustomer {
 public:
  explicit AccountHolder(const CustomerSetting& setting) : SimulatedCustomer(setting) {
    cards_per_day_ = 0.3 * PortableExp2(3.0 * random().Unit());
    card_cents_ = 100 * Range(12, 60);
    logins_per_day_ = 0.15 * PortableExp2(3.0 * random().Unit());
    salary_cents_ = 100 * random().Between(1200, 5200);
    decline_share_ = Range(0.003, 0.02);
    salary_day_ = random().Between(0, 27);
    has_salary_ = random().Chance(0.75);
    has_loan_ = random().Chance(0.35);
    loan_day_ = random().Between(0, 27);
    loan_cents_ = 100 * random().Between(90, 700);
    channel_ = random().Below(2);
    balance_cents_ = static_cast<int64_t>(static_cast<double>(salary_cents_) * Range(0.3, 3));
    daily_cents_ = static_cast<int64_t>(static_cast<double>(salary_cents_) / 30 * Range(0.7, 1.0));
  }

 protected:
  void Live(TimeMs day) override {
    double activity = lull() * (quiet() ? 0.4 : 1);
    activity *= (1 - 0.35 * Trouble(kNetworkTrouble)) * (1 - 0.35 * Trouble(kPriceRise)) *
                (1 - 0.8 * Trouble(kCompetitor)) * (1 - 0.25 * Trouble(kBadService));
    Receive(day);
    Pay(day, activity);
    Repay(day);
    MoveMoney(day);
    LogIn(day, activity);
    Emit(kBalances, day + 22 * kHour + random().Between(0, kHour), 0, R"("balance":{}{}.{:02})",
         balance_cents_ < 0 ? "-" : "", std::abs(balance_cents_) / 100, std::abs(balance_cents_) % 100);
    UseService({.tickets_stream = kTickets,
                .surveys_stream = kSurveys,
                .tickets_per_day = 0.004,
                .surveys_per_day = 1.0 / 60,
                .failing = "card",
                .price = "fees"});
  }

 private:
  int64_t DayOfMonth(TimeMs day) const { return (day / kDay) % (kMonth / kDay); }

  // The salary goes elsewhere once the customer has decided for another bank.
  void Receive(TimeMs day) {
    if (!has_salary_ || DayOfMonth(day) != salary_day_) return;
    if (random().Chance(Trouble(kCompetitor) > 0 ? 0.6 : 0.01)) return;
    const auto cents = static_cast<int64_t>(static_cast<double>(salary_cents_) * Range(0.98, 1.04));
    balance_cents_ += cents;
    Emit(kCredits, day + 6 * kHour + random().Between(0, 2 * kHour), 0, R"("kind":"salary","amount":{}.{:02})",
         cents / 100, cents % 100);
  }

  void Pay(TimeMs day, double activity) {
    const double fails = decline_share_ + 0.3 * Trouble(kNetworkTrouble) + (rough() ? 0.1 : 0);
    for (int left = Poisson(cards_per_day_ * activity); left > 0; --left) {
      const auto cents = static_cast<int64_t>(50 + Wait(card_cents_) * (1 - 0.3 * Trouble(kPriceRise)));
      const bool declined = random().Chance(fails);
      const size_t shop = random().Below(kShops.size());
      const TimeMs at = day + TimeOfDay();  // one draw a statement: compilers choose the order of arguments
      Emit(kCards, at, 0, R"("amount":{}.{:02},"shop":"{}","declined":{})", cents / 100, cents % 100, kShops[shop],
           declined);
      if (!declined) balance_cents_ -= cents;
    }
    // Rent, cash and the like keep the account from growing without end; savers and spenders stay around a level.
    balance_cents_ -= has_salary_ ? daily_cents_ / 2 : 0;
    if (balance_cents_ > 6 * salary_cents_) balance_cents_ -= balance_cents_ / 40;
    if (balance_cents_ < -salary_cents_ / 2) balance_cents_ = -salary_cents_ / 2;
    if (!has_salary_ && balance_cents_ < daily_cents_ * 10) {
      balance_cents_ += daily_cents_ * 30;
      Emit(kCredits, day + 9 * kHour, 0, R"("kind":"transfer","amount":{}.{:02})", daily_cents_ * 30 / 100,
           daily_cents_ * 30 % 100);
    }
  }

  void Repay(TimeMs day) {
    if (!has_loan_ || DayOfMonth(day) != loan_day_) return;
    const double late = 0.05 + 0.3 * Trouble(kPriceRise) + 0.2 * Trouble(kBadService);
    const int64_t days_late = random().Chance(late) ? random().Between(1, 15) : 0;
    // A loan that is taken over by another bank is paid off at once.
    const bool paid_off = random().Chance(0.5 * Trouble(kCompetitor) + 0.3 * Trouble(kPriceRise) + 0.003);
    const int64_t cents = paid_off ? loan_cents_ * 20 : loan_cents_;
    has_loan_ = !paid_off;
    balance_cents_ -= loan_cents_;
    Emit(kLoans, day + days_late * kDay + 8 * kHour, 0, R"("amount":{}.{:02},"days_late":{},"paid_off":{})",
         cents / 100, cents % 100, days_late, paid_off);
  }

  // To others now and then; to an account of one's own at another bank when one is about to go.
  void MoveMoney(TimeMs day) {
    const double leaving = std::max(Trouble(kCompetitor), 0.6 * std::max(Trouble(kPriceRise), Trouble(kBadService)));
    const bool own = random().Chance(0.01 + 0.12 * leaving);
    if (!own && !random().Chance(0.05)) return;
    const double share = own ? Range(0.05, 0.25) + 0.2 * leaving : 0.03;
    const int64_t cents = std::max<int64_t>(1000, static_cast<int64_t>(static_cast<double>(balance_cents_) * share));
    balance_cents_ -= cents;
    Emit(kTransfers, day + TimeOfDay(), 0, R"("amount":{}.{:02},"own_account":{})", cents / 100, cents % 100, own);
  }

  void LogIn(TimeMs day, double activity) {
    const double fails = 0.02 + 0.25 * Trouble(kNetworkTrouble) + (rough() ? 0.08 : 0);
    for (int left = Poisson(logins_per_day_ * activity); left > 0; --left) {
      const size_t channel = random().Chance(0.85) ? channel_ : random().Below(kLoginChannels.size());
      const bool terms = random().Chance(0.01 + 0.2 * Trouble(kPriceRise) + 0.1 * Trouble(kCompetitor));
      const bool failed = random().Chance(fails);
      const TimeMs at = day + TimeOfDay();
      Emit(kLogins, at, 0, R"("channel":"{}","failed":{},"looked_at":"{}")", kLoginChannels[channel], failed,
           terms ? "terms" : "accounts");
    }
  }

  double cards_per_day_, card_cents_, logins_per_day_, decline_share_;
  int64_t salary_cents_, salary_day_, loan_day_, loan_cents_, balance_cents_, daily_cents_;
  bool has_salary_, has_loan_;
  size_t channel_;
};

constexpr std::string_view kKey = R"("customer_id":")";

}  // namespace

const Industry kBank = {
    .name = "bank",
    .streams = {{"cards", "payment_id", 'k', kKey, "\"", "ts"},
                {"balances", "balance_id", 'b', kKey, "\"", "ts"},
                {"credits", "credit_id", 'c', kKey, "\"", "ts"},
                {"transfers", "transfer_id", 't', kKey, "\"", "ts"},
                {"loans", "instalment_id", 'l', kKey, "\"", "ts"},
                {"logins", "login_id", 'i', kKey, "\"", "ts"},
                {"tickets", "event_id", 'e', kKey, "\"", "ts"},
                {"surveys", "survey_id", 'n', kKey, "\"", "ts"}},
    .new_customer = [](const CustomerSetting& setting) -> std::unique_ptr<SimulatedCustomer> {
      return std::make_unique<AccountHolder>(setting);
    },
};

}  // namespace ebb
