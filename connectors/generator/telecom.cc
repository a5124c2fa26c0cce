// Days are simulated one after the other for all customers and sorted by arrival. A record goes out when it arrived
// before the first event of the next day can have happened.
#include "connectors/generator/telecom.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include <fmt/format.h>

#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr std::array<std::string_view, kTelecomStreams> kStreamNames = {"calls", "recharges", "complaints"};

// A one-to-one scramble of 24 bits: odd factors and xor with a shift can be undone.
uint32_t Scramble(uint32_t number) {
  constexpr uint32_t kMask = kMaxTelecomCustomers - 1;
  uint32_t x = (number * 0x9E3779B1u + 0x7D19F2u) & kMask;
  x ^= x >> 12;
  x = (x * 0x85EBCA6Bu) & kMask;
  return x ^ (x >> 13);
}

std::string CustomerId(uint32_t number) { return fmt::format("c_{:06x}", Scramble(number)); }

bool ArrivesBefore(const TelecomEvent& a, const TelecomEvent& b) {
  return std::tie(a.arrival, a.stream, a.customer, a.number) < std::tie(b.arrival, b.stream, b.customer, b.number);
}

}  // namespace

absl::Status CheckTelecomOptions(const TelecomOptions& options) {
  if (options.customers < 1 || options.customers > kMaxTelecomCustomers) {
    return absl::InvalidArgumentError(
        fmt::format("customers must be 1 to {}, not {}", kMaxTelecomCustomers, options.customers));
  }
  if (options.days < 1 || options.days > kMaxTelecomDays) {
    return absl::InvalidArgumentError(fmt::format("days must be 1 to {}, not {}", kMaxTelecomDays, options.days));
  }
  if (options.start < kEarliestTime || options.start >= kLatestTime - (options.days + 1) * kDay ||
      options.start % kDay != 0) {
    return absl::InvalidArgumentError(
        fmt::format("start must be a midnight (UTC) from 1980 to 2199, not {}", FormatTime(options.start)));
  }
  return absl::OkStatus();
}

std::string_view TelecomStreamName(int stream) { return kStreamNames[stream]; }

std::string TruthLine(const Truth& truth) {
  if (!truth.leaves_at.has_value()) {
    return fmt::format(R"({{"customer_id":"{}","leaves_at":null,"cause":null}})", truth.customer_id);
  }
  return fmt::format(R"({{"customer_id":"{}","leaves_at":"{}","cause":"{}"}})", truth.customer_id,
                     FormatTime(*truth.leaves_at), LeavingCauseName(truth.cause));
}

Telecom::Telecom(const TelecomOptions& options) : options_(options) {
  absl::Status status = CheckTelecomOptions(options);
  EBB_CHECK(status.ok(), "{}", std::string(status.message()));
  truth_.reserve(options.customers);
  customers_.reserve(options.customers);
  for (int64_t i = 0; i < options.customers; ++i) {
    uint32_t number = static_cast<uint32_t>(i);
    const TelecomCustomer& customer = customers_.emplace_back(options.seed, number, options.start, options.days);
    truth_.push_back({CustomerId(number), customer.leaves_at(), customer.cause()});
  }
}

const TelecomEvent* Telecom::Advance() {
  while (next_ == ready_) {
    if (day_ == options_.days) return nullptr;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(ready_));
    TimeMs day = options_.start + day_ * kDay;
    for (TelecomCustomer& customer : customers_) customer.LiveDay(day, &pending_);
    std::sort(pending_.begin(), pending_.end(), ArrivesBefore);
    ++day_;
    next_ = 0;
    ready_ = pending_.size();
    if (day_ < options_.days) {
      auto later = std::partition_point(pending_.begin(), pending_.end(),
                                        [&](const TelecomEvent& event) { return event.arrival < day + kDay; });
      ready_ = static_cast<size_t>(later - pending_.begin());
    }
  }
  const TelecomEvent* event = &pending_[next_++];
  ++passed_[event->stream];
  return event;
}

const TelecomEvent* Telecom::AdvanceTo(int stream) {
  const TelecomEvent* event = Advance();
  while (event != nullptr && event->stream != stream) event = Advance();
  return event;
}

bool Telecom::Next(GeneratedRecord* out) {
  const TelecomEvent* event = Advance();
  if (event == nullptr) return false;
  Render(*event, out);
  return true;
}

bool Telecom::NextOf(int stream, GeneratedRecord* out) {
  const TelecomEvent* event = AdvanceTo(stream);
  if (event == nullptr) return false;
  Render(*event, out);
  return true;
}

bool Telecom::SkipOf(int stream) { return AdvanceTo(stream) != nullptr; }

double Telecom::progress() const {
  if (next_ == ready_ && day_ == options_.days) return 1.0;
  double part = ready_ == 0 ? 0.0 : static_cast<double>(next_) / static_cast<double>(ready_);
  return std::max(0.0, (day_ - 1 + part) / options_.days);
}

void Telecom::Render(const TelecomEvent& event, GeneratedRecord* out) {
  out->stream = event.stream;
  out->arrival = event.arrival;
  out->line.clear();
  auto end = std::back_inserter(out->line);
  const std::string& id = truth_[event.customer].customer_id;
  int64_t number = passed_[event.stream];
  uint32_t whole = event.amount / 100, cents = event.amount % 100;
  switch (event.stream) {
    case kCallStream:
      fmt::format_to(end,
                     R"({{"record_id":"r{:08}","subscriber":{{"id":"{}"}},"start_ts":{},"duration_s":{},)"
                     R"("dropped":{},"charge":{}.{:02},"callee":"{}"}})",
                     number, id, event.time, event.seconds, event.dropped, whole, cents, event.callee);
      return;
    case kRechargeStream:
      fmt::format_to(end, R"({{"recharge_id":"p{:08}","subscriber_id":"{}","ts":{},"amount":{}.{:02},"channel":"{}"}})",
                     number, id, event.time, whole, cents, RechargeChannel(event.kind));
      return;
    default:
      fmt::format_to(end, R"({{"complaint_id":"q{:08}","subscriber_id":"{}","ts":{},"category":"{}","severity":{}}})",
                     number, id, event.time, ComplaintCategory(event.kind), event.severity);
  }
}

}  // namespace ebb
