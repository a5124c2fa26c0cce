// Seeded generators of customers' histories with known truth: what customers of one industry do, as JSON lines in
// several streams, and who of them leaves, when, and for what hidden cause. Same options, same bytes, on every machine.
//
//   Generator generator(*FindIndustry("ecommerce"), {.customers = 1000, .days = 90});
//   GeneratedRecord record;
//   while (generator.Next(&record)) Use(record.stream, record.line);
//
// Records come in arrival order and are at most options.disorder older than the newest before them, in each stream and
// over all. Memory grows with the customers, not with the days. Not for benchmarks of skew: activity is mildly uneven.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "connectors/generator/customer.h"
#include "connectors/generator/industry.h"
#include "engine/base/random.h"
#include "engine/stream/time.h"

namespace ebb {

inline constexpr int64_t kMaxGeneratedCustomers = 1 << 24;
inline constexpr int kMaxGeneratedDays = 3660;

// InvalidArgument names the option that is out of its range.
absl::Status CheckGeneratorOptions(const GeneratorOptions& options);

// What is known about a customer afterwards.
struct Truth {
  std::string customer_id;
  std::optional<TimeMs> leaves_at;  // nothing happens from here on; may lie inside the generated time only
  std::string cause;                // "network_trouble", ...; empty for who stays
};

// The first line of a truth file, and one customer's: "c_7d19f2,2026-03-04T10:21:07.000Z,competitor", "c_0011aa,,".
inline constexpr std::string_view kTruthHeader = "customer_id,leaves_at,cause";
std::string TruthLine(const Truth& truth);

struct GeneratedRecord {
  int stream = 0;  // index into the industry's streams
  TimeMs arrival = 0;
  std::string line;  // without a newline
};

// Confined to its task's thread.
class Generator {
 public:
  // The options must pass CheckGeneratorOptions. With `only`, the other streams are drawn, but never written as lines.
  Generator(const Industry& industry, const GeneratorOptions& options, std::optional<int> only = std::nullopt);

  // The next record of the wanted streams; false at the end.
  bool Next(GeneratedRecord* out);
  // Passes over the next record of the wanted streams; false at the end.
  bool Skip();

  const Industry& industry() const { return industry_; }
  const std::vector<Truth>& truth() const { return truth_; }
  // Share of the generated time that has passed, 0..1.
  double progress() const;

 private:
  // A record that will be written again once its stream has passed so many.
  struct Repeat {
    int64_t after;
    int64_t number;
    GeneratedEvent event;
  };
  // What stands next in line. The event lives until the next step.
  struct Step {
    const GeneratedEvent* event = nullptr;
    int64_t number = 0;   // of the good record in its stream
    bool broken = false;  // something that can't be read follows it
  };

  // False at the end.
  bool Advance();
  const GeneratedEvent* NextEvent();
  bool TakeRepeat(bool at_end);
  Random Faults(int stream, int64_t number) const;
  void Render(GeneratedRecord* out) const;

  // Constant.
  const Industry& industry_;
  const GeneratorOptions options_;
  std::vector<Truth> truth_;  // by number of the customer

  // Transient.
  std::vector<std::unique_ptr<SimulatedCustomer>> customers_;
  std::vector<GeneratedEvent> pending_;  // [next_, ready_) may go out; the rest waits for those of later days
  size_t next_ = 0;
  size_t ready_ = 0;
  int day_ = 0;
  std::vector<int64_t> passed_;              // by stream: good records so far
  std::vector<std::deque<Repeat>> repeats_;  // by stream
  GeneratedEvent again_;                     // the one that is written again now
  Step step_;
  bool break_next_ = false;
};

}  // namespace ebb
