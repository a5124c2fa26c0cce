// One simulated customer, whatever the industry: perhaps a hidden cause of leaving that grows into trouble over the
// weeks before, holidays and bad spells that mean nothing, complaints and surveys. A customer's history depends on the
// seed, the customer's number and the time that is simulated, never on how many others there are.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/random.h"
#include "engine/stream/time.h"

namespace ebb {

struct GeneratorOptions {
  int64_t customers = 1000;
  int days = 120;  // traces of leaving need 60 or more to be seen
  uint64_t seed = 1;
  TimeMs start = 1767225600000;     // 2026-01-01; a midnight
  DurationMs disorder = 2 * kHour;  // how far behind the newest before it a record may stand
  bool no_cause = false;            // leavers leave without any trace
  double duplicates = 0;            // share of the records that are written twice
  double bad_records = 0;           // broken ones for each good one
};

enum class LeavingCause : uint8_t {
  kNone,
  kNetworkTrouble,  // what the customer uses fails more and more: calls drop, pages break, payments are declined
  kPriceRise,       // dearer than before: the customer spends less, and complains about it
  kCompetitor,      // a second supplier takes over, bit by bit
  kLifeChange,      // stops from one day to the next, without a trace
  kBadService,      // complaints that aren't solved, each worse than the one before
};

// "network_trouble", "price_rise", ...; "none" for kNone.
std::string_view LeavingCauseName(LeavingCause cause);

// What happened, before it gets its number.
struct GeneratedEvent {
  TimeMs arrival = 0;
  TimeMs time = 0;
  uint32_t customer = 0;
  uint32_t number = 0;  // of this customer's events, in the order in which they were drawn
  int stream = 0;
  std::string body;  // the record's own members, from the one behind its time
};

struct CustomerSetting {
  const GeneratorOptions& options;
  uint32_t number;
  uint64_t wanted_streams;  // a bit each; bodies of the others stay empty
};

// Confined to its task's thread.
class SimulatedCustomer {
 public:
  explicit SimulatedCustomer(const CustomerSetting& setting);
  virtual ~SimulatedCustomer() = default;

  // Appends what the customer does in [day, day + 24h); days must be asked for in order, each once. What follows from
  // it later, such as a ticket that is closed, may come along.
  void LiveDay(TimeMs day, std::vector<GeneratedEvent>* out);

  LeavingCause cause() const { return cause_; }
  // Nothing happens at and after this time; empty for those who stay.
  std::optional<TimeMs> leaves_at() const;

 protected:
  // How a customer's complaints and surveys go.
  struct Service {
    int tickets_stream = -1;  // -1: complaints go another way
    int surveys_stream = -1;
    double tickets_per_day = 0, surveys_per_day = 0;
    std::string_view failing = "", price = "";  // topics of tickets for kNetworkTrouble and kPriceRise
  };

  virtual void Live(TimeMs day) = 0;

  // Trouble is 0 in the usual life and grows to 1 at the leaving. Of another cause than the customer's it is 0.
  double Trouble(LeavingCause cause) const { return cause_ == cause ? trouble_ : 0; }
  bool quiet() const { return quiet_; }  // a holiday
  bool rough() const { return rough_; }  // something fails for a while, and is endured
  double lull() const { return lull_; }  // 1, or less for some weeks in which the customer has other things to do
  bool weekend() const { return weekend_; }
  TimeMs first_day() const { return first_day_; }  // of the simulation
  TimeMs joins_at() const { return joins_at_; }
  TimeMs trouble_from() const { return trouble_from_; }
  TimeMs last_moment() const { return leaves_at_; }
  // Fixed for this customer, the same for the same `number`.
  uint64_t Fate(uint64_t number) const;
  double FateUnit(uint64_t number) const { return static_cast<double>(Fate(number) >> 11) * 0x1.0p-53; }

  // Draws.
  TimeMs TimeOfDay();
  int Poisson(double mean);  // for means of some tens at most
  double Range(double low, double high) { return low + (high - low) * random_.Unit(); }
  // Exponential with this mean.
  double Wait(double mean);
  // Of a complaint, 1 to 4: seldom severe in the usual life, mostly shortly before the leaving.
  int64_t Severity();
  Random& random() { return random_; }

  // The day's tickets, opened and closed {"event":"opened","topic":"billing","severity":2}, and surveys {"nps":9}.
  void UseService(const Service& service);

  // A record of the stream, unless the customer isn't there then; `lasts` passes between its time and its arrival.
  template <typename... Args>
  void Emit(int stream, TimeMs time, DurationMs lasts, fmt::format_string<Args...> form, Args&&... args) {
    GeneratedEvent* event = NewEvent(stream, time, lasts);
    if (event != nullptr) fmt::format_to(std::back_inserter(event->body), form, std::forward<Args>(args)...);
  }

 private:
  void DrawLeaving();
  void DrawSpells();
  void Complain(const Service& service);
  DurationMs Delay();
  // Null when nothing is to be written.
  GeneratedEvent* NewEvent(int stream, TimeMs time, DurationMs lasts);

  // Constant.
  const uint32_t number_;
  const uint64_t wanted_streams_;
  const uint64_t fate_;
  const DurationMs disorder_;
  const TimeMs first_day_, ends_at_;
  LeavingCause cause_ = LeavingCause::kNone;
  TimeMs joins_at_;
  TimeMs leaves_at_ = kAfterTime;
  TimeMs trouble_from_ = kAfterTime;
  TimeMs quiet_from_ = kAfterTime, quiet_to_ = kAfterTime;
  TimeMs rough_from_ = kAfterTime, rough_to_ = kAfterTime;
  TimeMs lull_from_ = kAfterTime, lull_to_ = kAfterTime;

  // Transient.
  Random random_;
  uint32_t event_count_ = 0;
  int64_t ticket_count_ = 0;
  TimeMs day_ = 0;  // and what holds on it
  double trouble_ = 0;
  double lull_ = 1;
  bool quiet_ = false, rough_ = false, weekend_ = false;
  std::vector<GeneratedEvent>* out_ = nullptr;
};

}  // namespace ebb
