// Trouble grows over three to six weeks; each industry turns it into its own traces. Everybody has holidays, bad
// spells, lulls and complaints that mean nothing, so that no single sign gives a leaver away.
#include "connectors/generator/customer.h"

#include <algorithm>
#include <array>

#include "engine/base/check.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

constexpr double kLeavingShare = 0.15;
constexpr double kJoiningShare = 0.10;  // customers who come after the start
constexpr double kQuietShare = 0.35;    // customers who have a holiday
constexpr double kRoughShare = 0.08;
constexpr double kLullShare = 0.12;
constexpr DurationMs kLongestDelay = 70 * kMinute;
constexpr DurationMs kUnitDisorder = 2 * kHour;  // longer than the longest delay of a record that lasts 45 minutes

constexpr std::array<std::string_view, 6> kCauseNames = {"none",       "network_trouble", "price_rise",
                                                         "competitor", "life_change",     "bad_service"};

// Activity by the hour of the day (UTC), in thousandths.
constexpr std::array<int, 24> kHourWeights = {8,  4,  3,  2,  3,  8,  22, 40, 55, 60, 62, 63,
                                              66, 62, 58, 58, 62, 70, 78, 74, 60, 42, 26, 14};

uint64_t Mix(uint64_t a, uint64_t b) { return Random(a * 0xD6E8FEB86659FD93ull + b).Next(); }

}  // namespace

std::string_view LeavingCauseName(LeavingCause cause) { return kCauseNames[static_cast<size_t>(cause)]; }

SimulatedCustomer::SimulatedCustomer(const CustomerSetting& setting)
    : number_(setting.number),
      wanted_streams_(setting.wanted_streams),
      fate_(Mix(setting.options.seed, setting.number)),
      disorder_(setting.options.disorder),
      first_day_(setting.options.start),
      ends_at_(first_day_ + setting.options.days * kDay),
      joins_at_(first_day_),
      random_(Mix(fate_, 1)) {
  EBB_CHECK(setting.options.days >= 1, "days is {}", setting.options.days);
  if (random_.Chance(kJoiningShare)) joins_at_ += random_.Between(0, (ends_at_ - first_day_) / 2);
  if (random_.Chance(kLeavingShare)) {
    DrawLeaving();
    if (setting.options.no_cause) cause_ = LeavingCause::kLifeChange;
    if (cause_ == LeavingCause::kLifeChange) trouble_from_ = kAfterTime;
  }
  DrawSpells();
}

std::optional<TimeMs> SimulatedCustomer::leaves_at() const {
  if (cause_ == LeavingCause::kNone) return std::nullopt;
  return leaves_at_;
}

void SimulatedCustomer::DrawLeaving() {
  cause_ = static_cast<LeavingCause>(random_.Between(1, kCauseNames.size() - 1));
  // Not in the first third, so that there is a life before it to compare with.
  const TimeMs earliest = std::max(first_day_ + (ends_at_ - first_day_) / 3, joins_at_ + kDay);
  leaves_at_ = random_.Between(earliest, std::max(earliest, ends_at_ - 1));
  trouble_from_ = std::max(joins_at_, leaves_at_ - random_.Between(21 * kDay, 42 * kDay));
}

void SimulatedCustomer::DrawSpells() {
  const auto spell = [&](double share, int shortest, int longest, TimeMs* from, TimeMs* to) {
    if (!random_.Chance(share)) return;
    *from = random_.Between(first_day_, ends_at_);
    *to = *from + random_.Between(shortest * kDay, longest * kDay);
  };
  spell(kQuietShare, 3, 12, &quiet_from_, &quiet_to_);
  spell(kRoughShare, 7, 20, &rough_from_, &rough_to_);
  spell(kLullShare, 20, 45, &lull_from_, &lull_to_);
}

uint64_t SimulatedCustomer::Fate(uint64_t number) const { return Mix(fate_, 1000 + number); }

TimeMs SimulatedCustomer::TimeOfDay() {
  int64_t ticket = random_.Between(0, 999);
  int hour = 0;
  while (ticket >= kHourWeights[hour]) ticket -= kHourWeights[hour++];
  return hour * kHour + random_.Between(0, kHour - 1);
}

// Knuth's product of uniforms.
int SimulatedCustomer::Poisson(double mean) {
  const double limit = PortableExp(-mean);
  int count = 0;
  for (double product = random_.Unit(); product > limit; product *= random_.Unit()) ++count;
  return count;
}

double SimulatedCustomer::Wait(double mean) { return -mean * PortableLog(1 - random_.Unit()); }

int64_t SimulatedCustomer::Severity() {
  int64_t severity = random_.Between(1, 2) + static_cast<int64_t>(trouble_ * 2.5);
  if (random_.Chance(0.12)) severity += random_.Between(1, 2);
  return std::min<int64_t>(4, severity);
}

DurationMs SimulatedCustomer::Delay() {
  const double luck = random_.Unit();
  if (luck < 0.90) return random_.Between(300, 8 * kSecond);
  if (luck < 0.99) return random_.Between(8 * kSecond, 5 * kMinute);
  return random_.Between(5 * kMinute, kLongestDelay);
}

GeneratedEvent* SimulatedCustomer::NewEvent(int stream, TimeMs time, DurationMs lasts) {
  if (time < joins_at_ || time >= leaves_at_ || time >= ends_at_) return nullptr;
  const DurationMs delay = lasts + Delay();
  EBB_CHECK(delay < kUnitDisorder, "a record lasts {} ms", lasts);
  const uint32_t number = event_count_++;
  if ((wanted_streams_ >> stream & 1) == 0) return nullptr;
  GeneratedEvent& event = out_->emplace_back();
  event.time = time;
  event.arrival = time + delay * (disorder_ / kSecond) / (kUnitDisorder / kSecond);
  event.customer = number_;
  event.number = number;
  event.stream = stream;
  return &event;
}

void SimulatedCustomer::LiveDay(TimeMs day, std::vector<GeneratedEvent>* out) {
  if (day >= leaves_at_ || day + kDay <= joins_at_) return;
  day_ = day;
  const auto in = [day](TimeMs from, TimeMs to) { return from <= day && day < to; };
  trouble_ = 0;
  if (day >= trouble_from_) {
    trouble_ =
        std::min(1.0, static_cast<double>(day - trouble_from_) / static_cast<double>(leaves_at_ - trouble_from_));
  }
  quiet_ = in(quiet_from_, quiet_to_);
  rough_ = in(rough_from_, rough_to_);
  lull_ = in(lull_from_, lull_to_) ? 0.6 : 1;
  const int64_t weekday = (day / kDay + 4) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
  weekend_ = weekday == 0 || weekday == 6;
  out_ = out;
  Live(day);
}

void SimulatedCustomer::Complain(const Service& service) {
  constexpr std::array<std::string_view, 4> kTopics = {"question", "account", "service", "other"};
  double rate = service.tickets_per_day;
  std::optional<std::string_view> about;
  if (rough_) {
    rate += 0.02;
    about = service.failing;
  }
  if (Trouble(LeavingCause::kNetworkTrouble) > 0) about = service.failing;
  if (Trouble(LeavingCause::kPriceRise) > 0) about = service.price;
  if (Trouble(LeavingCause::kBadService) > 0) about = kTopics[2];
  const double unsolved = Trouble(LeavingCause::kBadService);
  rate += 0.09 * Trouble(LeavingCause::kNetworkTrouble) + 0.16 * unsolved;
  if (Trouble(LeavingCause::kPriceRise) > 0) rate += 0.04;
  for (int left = Poisson(rate); left > 0; --left) {
    const bool usual = !about.has_value() || random_.Chance(0.15);
    const std::string_view topic = usual ? kTopics[random_.Below(kTopics.size())] : *about;
    const int64_t severity = Severity();
    const std::string ticket = fmt::format("t{:06}-{}", number_, ++ticket_count_);
    const TimeMs opened = day_ + TimeOfDay();
    const double days_open = Wait(random_.Chance(0.7 * unsolved) ? 14 : 1.2);
    Emit(service.tickets_stream, opened, 0, R"("ticket_id":"{}","event":"opened","topic":"{}","severity":{})", ticket,
         topic, severity);
    Emit(service.tickets_stream, opened + 10 * kMinute + static_cast<DurationMs>(days_open * kDay), 0,
         R"("ticket_id":"{}","event":"closed","topic":"{}","severity":{})", ticket, topic, severity);
  }
}

void SimulatedCustomer::UseService(const Service& service) {
  if (service.tickets_stream >= 0) Complain(service);
  if (!random_.Chance(service.surveys_per_day)) return;
  double mood = 6.5 + 3 * FateUnit(1) + Range(-3, 2);
  if (rough_) mood -= 2;
  mood -= 6 * Trouble(LeavingCause::kBadService) + 5 * Trouble(LeavingCause::kNetworkTrouble) +
          4 * Trouble(LeavingCause::kPriceRise) + 2.5 * Trouble(LeavingCause::kCompetitor);
  Emit(service.surveys_stream, day_ + TimeOfDay(), 0, R"("nps":{})", static_cast<int>(std::clamp(mood, 0.0, 10.0)));
}

}  // namespace ebb
