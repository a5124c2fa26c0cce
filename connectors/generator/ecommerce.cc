// The industry `ecommerce`: pages in the order in which they are looked at, carts, orders, returns, ratings, tickets,
// surveys.
#include <algorithm>
#include <array>

#include "connectors/generator/industry.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

enum Stream : int { kPages, kCarts, kOrders, kReturns, kRatings, kTickets, kSurveys };

constexpr std::array<std::string_view, 6> kCategories = {"clothes", "shoes", "home", "toys", "books", "garden"};
constexpr std::array<std::string_view, 3> kDevices = {"app", "web", "mobile_web"};

using enum LeavingCause;

// Confined to its task's thread.
class Shopper : public SimulatedCustomer {
 public:
  explicit Shopper(const CustomerSetting& setting) : SimulatedCustomer(setting) {
    // Between 0.12 and 1 visits a day.
    visits_per_day_ = 0.12 * PortableExp2(3.0 * random().Unit());
    pages_per_visit_ = Range(3, 9);
    cart_share_ = Range(0.25, 0.6);
    order_share_ = Range(0.45, 0.8);
    mean_cents_ = 100 * Range(18, 120);
    return_share_ = Range(0.03, 0.22);
    rating_share_ = Range(0.1, 0.6);
    fail_share_ = Range(0.002, 0.015);
    device_ = random().Below(kDevices.size());
    taste_ = random().Between(2, static_cast<int64_t>(kCategories.size()));
  }

 protected:
  void Live(TimeMs day) override {
    double activity = lull() * (quiet() ? 0.15 : 1) * (weekend() ? 1.3 : 0.9);
    activity *= (1 - 0.35 * Trouble(kNetworkTrouble)) * (1 - 0.35 * Trouble(kPriceRise)) *
                (1 - 0.7 * Trouble(kCompetitor)) * (1 - 0.35 * Trouble(kBadService));
    for (int left = Poisson(visits_per_day_ * activity); left > 0; --left) Visit(day + TimeOfDay());
    UseService({.tickets_stream = kTickets,
                .surveys_stream = kSurveys,
                .tickets_per_day = 0.004,
                .surveys_per_day = 1.0 / 50,
                .failing = "website",
                .price = "prices"});
  }

 private:
  void Visit(TimeMs time) {
    ++visit_;
    const size_t category = Fate(10 + random().Below(Kinds())) % kCategories.size();
    // Those who compare prices look at many products and leave; those who are courted elsewhere look less and less.
    double wanted = 1 - 0.65 * Trouble(kPriceRise) - 0.5 * Trouble(kCompetitor) - 0.3 * Trouble(kBadService);
    const double length = pages_per_visit_ * (1 - 0.5 * Trouble(kCompetitor)) * (1 + 0.5 * Trouble(kPriceRise));
    const int products = Poisson(std::max(0.3, length - 2));
    bool alive = Page(&time, "home", category) && (random().Chance(0.5) || Page(&time, "search", category));
    for (int p = 0; alive && p < products; ++p) alive = Page(&time, p % 3 == 0 ? "category" : "product", category);
    if (alive && random().Chance(Trouble(kPriceRise) > 0 ? 0.3 : 0.03)) Page(&time, "terms", category);
    if (alive && random().Chance(Trouble(kBadService) > 0 ? 0.4 : 0.04)) Page(&time, "help", category);
    if (alive && random().Chance(Trouble(cause()) > 0.4 ? 0.25 : 0.05)) Page(&time, "account", category);
    if (!alive || !random().Chance(cart_share_ * wanted) || !Page(&time, "cart", category)) return;
    Cart(time, category, wanted);
  }

  void Cart(TimeMs time, size_t category, double wanted) {
    const auto items = random().Between(1, 4);
    const double thrift = 1 - 0.45 * Trouble(kPriceRise) - 0.3 * Trouble(kCompetitor);
    const auto cents = static_cast<int64_t>(100 + mean_cents_ * thrift * Range(0.4, 1.7));
    Emit(kCarts, time, 0, R"("cart_id":"{}","items":{},"value":{}.{:02})", visit_, items, cents / 100, cents % 100);
    if (!random().Chance(order_share_ * wanted) || !Page(&time, "checkout", category)) return;
    const bool discount = random().Chance(Trouble(kPriceRise) > 0 ? 0.6 : 0.2);
    Emit(kOrders, time, 0, R"("cart_id":"{}","items":{},"amount":{}.{:02},"category":"{}","discount":{},"device":"{}")",
         visit_, items, cents / 100, cents % 100, kCategories[category], discount, kDevices[device_]);
    const double returned = return_share_ + 0.35 * Trouble(kBadService) + (rough() ? 0.1 : 0);
    if (random().Chance(returned)) {
      Emit(kReturns, time + static_cast<TimeMs>(Range(2, 12) * kDay), 0, R"("amount":{}.{:02},"reason":"{}")",
           cents / 100, cents % 100, Trouble(kBadService) > 0 ? "damaged" : "changed_mind");
    }
    if (!random().Chance(rating_share_)) return;
    double stars = 3.6 + 1.8 * FateUnit(2) * random().Unit() + Range(-0.6, 0.8) - (rough() ? 1 : 0);
    stars -= 3 * Trouble(kBadService) + 1.5 * Trouble(kNetworkTrouble) + 1.2 * Trouble(kPriceRise);
    Emit(kRatings, time + static_cast<TimeMs>(Range(1, 6) * kDay), 0, R"("stars":{})",
         static_cast<int>(std::clamp(stars, 1.0, 5.0)));
  }

  // One page; false when it fails and the visit ends with it.
  bool Page(TimeMs* time, std::string_view page, size_t category) {
    *time += static_cast<DurationMs>(1 + Wait(45)) * kSecond;
    const double fails = fail_share_ + 0.25 * Trouble(kNetworkTrouble) + (rough() ? 0.08 : 0);
    const bool failed = random().Chance(fails);
    Emit(kPages, *time, 0, R"("visit":"{}","page":"{}","category":"{}","device":"{}","failed":{})", visit_, page,
         kCategories[category], kDevices[device_], failed);
    return !failed || random().Chance(0.5);
  }

  // Kinds of things that are bought here: fewer, once others sell some of them.
  uint64_t Kinds() const {
    return static_cast<uint64_t>(std::max(1.0, static_cast<double>(taste_) * (1 - 0.8 * Trouble(kCompetitor))));
  }

  double visits_per_day_, pages_per_visit_, cart_share_, order_share_, mean_cents_, return_share_, rating_share_,
      fail_share_;
  size_t device_;
  int64_t taste_;
  int64_t visit_ = 0;
};

constexpr std::string_view kKey = R"("customer_id":")";

}  // namespace

const Industry kEcommerce = {
    .name = "ecommerce",
    .streams = {{"pages", "page_id", 'v', kKey, "\"", "ts"},
                {"carts", "event_id", 'c', kKey, "\"", "ts"},
                {"orders", "order_id", 'o', kKey, "\"", "ts"},
                {"returns", "return_id", 'r', kKey, "\"", "ts"},
                {"ratings", "rating_id", 's', kKey, "\"", "ts"},
                {"tickets", "event_id", 'e', kKey, "\"", "ts"},
                {"surveys", "survey_id", 'n', kKey, "\"", "ts"}},
    .new_customer = [](const CustomerSetting& setting) -> std::unique_ptr<SimulatedCustomer> {
      return std::make_unique<Shopper>(setting);
    },
};

}  // namespace ebb
