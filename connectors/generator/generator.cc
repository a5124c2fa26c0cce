// Days are simulated one after the other for all customers and sorted by arrival. A record goes out when it arrived
// before the first event of the next day can have happened. Whether a record is written twice, or is followed by a
// broken one, is a hash of its stream and number: so a stream read alone has the same lines as among the others.
#include "connectors/generator/generator.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr DurationMs kMaxDisorder = 30 * kDay;
constexpr TimeMs kPoisonedTime = 9000000000000;  // in the year 2255
constexpr int kFurthestRepeat = 20;              // records of the stream between a record and its second writing

// A one-to-one scramble of 24 bits: odd factors and xor with a shift can be undone.
uint32_t Scramble(uint32_t number) {
  constexpr uint32_t kMask = kMaxGeneratedCustomers - 1;
  uint32_t x = (number * 0x9E3779B1u + 0x7D19F2u) & kMask;
  x ^= x >> 12;
  x = (x * 0x85EBCA6Bu) & kMask;
  return x ^ (x >> 13);
}

std::string CustomerId(uint32_t number) { return fmt::format("c_{:06x}", Scramble(number)); }

bool ArrivesBefore(const GeneratedEvent& a, const GeneratedEvent& b) {
  return std::tie(a.arrival, a.stream, a.customer, a.number) < std::tie(b.arrival, b.stream, b.customer, b.number);
}

bool IsShare(double share) { return share >= 0 && share <= 0.5; }

}  // namespace

const std::vector<const Industry*>& Industries() {
  static const auto* const industries =
      new std::vector<const Industry*>{&kTelecom, &kEcommerce, &kBank, &kSubscription};
  return *industries;
}

const Industry* FindIndustry(std::string_view name) {
  for (const Industry* industry : Industries()) {
    if (industry->name == name) return industry;
  }
  return nullptr;
}

std::vector<std::string> GeneratedStreams() {
  std::vector<std::string> names;
  for (const Industry* industry : Industries()) {
    for (const StreamForm& stream : industry->streams)
      names.push_back(fmt::format("{}.{}", industry->name, stream.name));
  }
  return names;
}

absl::Status CheckGeneratorOptions(const GeneratorOptions& options) {
  if (options.customers < 1 || options.customers > kMaxGeneratedCustomers) {
    return absl::InvalidArgumentError(
        fmt::format("customers must be 1 to {}, not {}", kMaxGeneratedCustomers, options.customers));
  }
  if (options.days < 1 || options.days > kMaxGeneratedDays) {
    return absl::InvalidArgumentError(fmt::format("days must be 1 to {}, not {}", kMaxGeneratedDays, options.days));
  }
  if (options.start < kEarliestTime || options.start >= kLatestTime - (options.days + 1) * kDay ||
      options.start % kDay != 0) {
    return absl::InvalidArgumentError(
        fmt::format("start must be a midnight (UTC) from 1980 to 2199, not {}", FormatTime(options.start)));
  }
  if (options.disorder < 0 || options.disorder > kMaxDisorder) {
    return absl::InvalidArgumentError(fmt::format("disorder must be 0s to {}, not {}", FormatDuration(kMaxDisorder),
                                                  FormatDuration(options.disorder)));
  }
  if (!IsShare(options.duplicates) || !IsShare(options.bad_records)) {
    return absl::InvalidArgumentError(fmt::format("duplicates and bad records must be 0% to 50%, not {}% and {}%",
                                                  options.duplicates * 100, options.bad_records * 100));
  }
  return absl::OkStatus();
}

std::string TruthLine(const Truth& truth) {
  return fmt::format("{},{},{}", truth.customer_id, truth.leaves_at ? FormatTime(*truth.leaves_at) : "", truth.cause);
}

Generator::Generator(const Industry& industry, const GeneratorOptions& options, std::optional<int> only)
    : industry_(industry), options_(options), passed_(industry.streams.size()), repeats_(industry.streams.size()) {
  const absl::Status status = CheckGeneratorOptions(options);
  EBB_CHECK(status.ok(), "{}", std::string(status.message()));
  truth_.reserve(options.customers);
  customers_.reserve(options.customers);
  const uint64_t wanted = only ? uint64_t{1} << *only : ~uint64_t{0};
  for (int64_t i = 0; i < options.customers; ++i) {
    const auto number = static_cast<uint32_t>(i);
    const auto& customer = customers_.emplace_back(industry.new_customer({options_, number, wanted}));
    const bool leaves = customer->cause() != LeavingCause::kNone;
    truth_.push_back({CustomerId(number), customer->leaves_at(),
                      leaves ? std::string(LeavingCauseName(customer->cause())) : std::string()});
  }
}

const GeneratedEvent* Generator::NextEvent() {
  while (next_ == ready_) {
    if (day_ == options_.days) return nullptr;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(ready_));
    const TimeMs day = options_.start + day_ * kDay;
    for (const auto& customer : customers_) customer->LiveDay(day, &pending_);
    std::sort(pending_.begin(), pending_.end(), ArrivesBefore);
    ++day_;
    next_ = 0;
    ready_ = pending_.size();
    if (day_ < options_.days) {
      auto later = std::partition_point(pending_.begin(), pending_.end(),
                                        [&](const GeneratedEvent& event) { return event.arrival < day + kDay; });
      ready_ = static_cast<size_t>(later - pending_.begin());
    }
  }
  return &pending_[next_++];
}

// The faults of a record: drawn in a fixed order from its stream and number.
Random Generator::Faults(int stream, int64_t number) const {
  return Random(options_.seed * 0xD6E8FEB86659FD93ull + static_cast<uint64_t>(number) * 64 +
                static_cast<uint64_t>(stream));
}

bool Generator::TakeRepeat(bool at_end) {
  for (std::deque<Repeat>& waiting : repeats_) {
    if (waiting.empty() || (!at_end && waiting.front().after > passed_[waiting.front().event.stream])) continue;
    again_ = std::move(waiting.front().event);
    step_ = {&again_, waiting.front().number, false};
    waiting.pop_front();
    return true;
  }
  return false;
}

bool Generator::Advance() {
  if (break_next_) {
    break_next_ = false;
    step_.broken = true;
    return true;
  }
  if (options_.duplicates > 0 && TakeRepeat(false)) return true;
  const GeneratedEvent* event = NextEvent();
  if (event == nullptr) return TakeRepeat(true);
  const int64_t number = ++passed_[event->stream];
  step_ = {event, number, false};
  if (options_.duplicates > 0 || options_.bad_records > 0) {
    Random faults = Faults(event->stream, number);
    const int64_t distance = faults.Between(1, kFurthestRepeat);
    break_next_ = faults.Chance(options_.bad_records);
    std::deque<Repeat>& waiting = repeats_[event->stream];
    if (faults.Chance(options_.duplicates)) {
      const int64_t after = waiting.empty() ? number + distance : std::max(number + distance, waiting.back().after);
      waiting.push_back({after, number, *event});
    }
  }
  return true;
}

bool Generator::Next(GeneratedRecord* out) {
  if (!Advance()) return false;
  Render(out);
  return true;
}

bool Generator::Skip() { return Advance(); }

double Generator::progress() const {
  if (next_ == ready_ && day_ == options_.days) return 1.0;
  double part = ready_ == 0 ? 0.0 : static_cast<double>(next_) / static_cast<double>(ready_);
  return std::max(0.0, (day_ - 1 + part) / options_.days);
}

void Generator::Render(GeneratedRecord* out) const {
  enum Fault { kNoFault, kCut, kNobody, kNoTime, kPoisoned, kFaults };
  const GeneratedEvent& event = *step_.event;
  int64_t fault = kNoFault;
  if (step_.broken) fault = Faults(event.stream, ~step_.number).Between(kNoFault + 1, kFaults - 1);
  const StreamForm& form = industry_.streams[event.stream];
  out->stream = event.stream;
  out->arrival = event.arrival;
  out->line.clear();
  auto end = std::back_inserter(out->line);
  fmt::format_to(end, R"({{"{}":"{}{:08}",{}{}{},"{}":)", form.id_field, form.id_letter, step_.number, form.key_begin,
                 fault == kNobody ? "" : truth_[event.customer].customer_id, form.key_end, form.time_field);
  if (fault == kNoTime) {
    out->line += "\"yesterday\"";
  } else {
    fmt::format_to(end, "{}", fault == kPoisoned ? kPoisonedTime : event.time);
  }
  fmt::format_to(end, ",{}}}", event.body);
  if (fault == kCut) out->line.resize(out->line.size() / 2);
}

}  // namespace ebb
