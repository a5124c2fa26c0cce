// The seeded generator `telecom`: calls, recharges and complaints of simulated customers as JSON lines; about 15 % of
// the customers leave for a known cause at a known time. The same options give the same bytes on every machine.
//
//   Telecom telecom({.customers = 1000, .days = 90});
//   GeneratedRecord record;
//   while (telecom.Next(&record)) Use(record.stream, record.line);
//
// Records come in arrival order and are at most kTelecomDisorder older than the newest before them, in each stream and
// over all. Memory grows with the customers, not with the days. Not for benchmarks of skew: activity is mildly uneven.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "connectors/generator/telecom_customer.h"
#include "engine/stream/time.h"

namespace ebb {

inline constexpr DurationMs kTelecomDisorder = 2 * kHour;
inline constexpr int64_t kMaxTelecomCustomers = 1 << 24;
inline constexpr int kMaxTelecomDays = 3660;

struct TelecomOptions {
  int64_t customers = 1000;  // 1..kMaxTelecomCustomers
  int days = 120;            // 1..kMaxTelecomDays; traces of leaving need 60 or more to be seen
  uint64_t seed = 1;
  TimeMs start = 1767225600000;  // 2026-01-01; a midnight
};

// InvalidArgument names the option that is out of its range.
absl::Status CheckTelecomOptions(const TelecomOptions& options);

// What is known about a customer afterwards.
struct Truth {
  std::string customer_id;
  std::optional<TimeMs> leaves_at;  // nothing happens from here on; may lie inside the generated time only
  LeavingCause cause = LeavingCause::kNone;
};

// "calls", "recharges", "complaints".
std::string_view TelecomStreamName(int stream);

// {"customer_id":"c_7d19f2","leaves_at":"2026-03-04T10:21:07.000Z","cause":"competitor"}; two nulls for who stays.
std::string TruthLine(const Truth& truth);

struct GeneratedRecord {
  int stream = 0;  // a TelecomStream
  TimeMs arrival = 0;
  std::string line;  // without a newline
};

// Confined to its task's thread.
class Telecom {
 public:
  // The options must pass CheckTelecomOptions.
  explicit Telecom(const TelecomOptions& options);

  // The next record of all streams; false at the end.
  bool Next(GeneratedRecord* out);
  // The next record of one stream; the others' are passed over.
  bool NextOf(int stream, GeneratedRecord* out);
  // Passes over the next record of one stream; false at the end.
  bool SkipOf(int stream);

  const std::vector<Truth>& truth() const { return truth_; }
  // Share of the generated time that has passed, 0..1.
  double progress() const;

 private:
  const TelecomEvent* Advance();
  const TelecomEvent* AdvanceTo(int stream);
  void Render(const TelecomEvent& event, GeneratedRecord* out);

  // Constant.
  TelecomOptions options_;
  std::vector<Truth> truth_;  // by number of the customer

  // Transient.
  std::vector<TelecomCustomer> customers_;
  std::vector<TelecomEvent> pending_;  // [next_, ready_) may go out; the rest waits for those of later days
  size_t next_ = 0;
  size_t ready_ = 0;
  int day_ = 0;
  std::array<int64_t, kTelecomStreams> passed_ = {};  // records per stream so far
};

}  // namespace ebb
