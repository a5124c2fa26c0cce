// Writes events for config/pipelines/bench.yaml: calls, recharges and complaints (85, 12 and 3 of a hundred) of
// customers who are all equally active, evenly over some days, up to five minutes out of order. The same arguments give
// the same bytes on every machine. bench/scale and bench/gauge use it.
//
//   bench_events FOLDER CUSTOMERS EVENTS DAYS
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "engine/base/random.h"

namespace {

constexpr int64_t kStart = 1735689600000;  // 2025-01-01T00:00:00Z
constexpr int64_t kDayMs = 86400000;
constexpr int64_t kDisorderMs = 300000;

class Lines {
 public:
  explicit Lines(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {
    if (file_ != nullptr) return;
    std::perror(path.c_str());
    std::exit(1);
  }
  ~Lines() {
    if (std::fclose(file_) != 0) std::exit(1);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  template <typename... Values>
  void Add(std::string_view form, const Values&... values) {
    line_.clear();
    fmt::vformat_to(std::back_inserter(line_), form, fmt::make_format_args(values...));
    line_ += '\n';
    if (std::fwrite(line_.data(), 1, line_.size(), file_) != line_.size()) std::exit(1);
  }

 private:
  std::FILE* const file_;
  std::string line_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    fmt::print(stderr, "usage: bench_events FOLDER CUSTOMERS EVENTS DAYS\n");
    return 2;
  }
  const std::string folder = arguments[1];
  const uint64_t customers = std::strtoull(arguments[2], nullptr, 10);
  const int64_t events = std::atoll(arguments[3]);
  const int64_t span = std::atoll(arguments[4]) * kDayMs;
  if (customers == 0 || events <= 0 || span <= 0) {
    fmt::print(stderr, "bench_events: CUSTOMERS, EVENTS and DAYS are numbers above 0\n");
    return 2;
  }
  Lines calls(folder + "/calls.jsonl");
  Lines recharges(folder + "/recharges.jsonl");
  Lines complaints(folder + "/complaints.jsonl");
  ebb::Random random(7);
  for (int64_t i = 0; i < events; ++i) {
    const uint64_t customer = 27600000000 + random.Below(customers) * 37;
    const auto arrival = static_cast<int64_t>(static_cast<double>(span) / static_cast<double>(events) * i);
    const int64_t time = kStart + kDisorderMs + arrival - static_cast<int64_t>(random.Below(kDisorderMs));
    const uint64_t kind = random.Below(100);
    const uint64_t amount = random.Below(600);
    if (kind < 85) {
      calls.Add(R"({{"type":"call","subscriber_id":"{}","start_ts":{},"duration_s":{},"dropped":{},"charge":{}.{:04},)"
                R"("callee":"{}","cell":"C{:05}","tech":"4G","plan":"P{}"}})",
                customer, time, amount, amount % 40 == 0, amount / 20, amount * 17 % 10000,
                27800000000 + customer % 1000 + random.Below(30), amount * 31, customer % 9);
    } else if (kind < 97) {
      recharges.Add(R"({{"type":"recharge","subscriber_id":"{}","ts":{},"amount":{}.00,"channel":"APP","bonus":0.00}})",
                    customer, time, 5 + amount % 8 * 5);
    } else {
      complaints.Add(R"({{"type":"complaint","subscriber_id":"{}","ts":{},"category":"BILLING","severity":{}}})",
                     customer, time, 1 + amount % 4);
    }
  }
  return 0;
}
