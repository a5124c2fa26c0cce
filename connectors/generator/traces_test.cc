// Each cause of leaving leaves its traces in the data, and a change of life leaves none: the 21 days before the leaving
// against the time more than 42 days before it.
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "connectors/generator/generator.h"

namespace ebb {
namespace {

constexpr DurationMs kAfter = 21 * kDay, kBefore = 42 * kDay;

struct Trace {
  std::string industry, cause, stream;
  std::string text;  // records that hold it are counted; empty: all
  bool share;        // among the stream's records, instead of per day
  double low, high;  // of what it is afterwards to what it was before
};
void PrintTo(const Trace& trace, std::ostream* out) {
  *out << fmt::format("{} {} {} '{}'", trace.industry, trace.cause, trace.stream, trace.text);
}

constexpr double kAny = 1e9;

const std::vector<Trace>& Traces() {
  static const auto* const traces = new std::vector<Trace>{
      {"telecom", "network_trouble", "calls", "\"dropped\":true", true, 3, kAny},
      {"telecom", "network_trouble", "complaints", "", false, 5, kAny},
      {"telecom", "price_rise", "recharges", "", false, 0, 0.95},
      {"telecom", "price_rise", "complaints", "billing", false, 3, kAny},
      {"telecom", "competitor", "calls", "", false, 0.2, 0.65},
      {"telecom", "competitor", "calls", "\"on_net\":false", true, 1.1, kAny},
      {"telecom", "competitor", "ports", "", false, 4, kAny},
      {"telecom", "competitor", "complaints", "", false, 0, 3},
      {"telecom", "life_change", "calls", "", false, 0.8, 1.25},
      {"telecom", "life_change", "complaints", "", false, 0, 3},
      {"telecom", "bad_service", "complaints", "", false, 8, kAny},
      {"ecommerce", "network_trouble", "pages", "\"failed\":true", true, 4, kAny},
      {"ecommerce", "price_rise", "orders", "", false, 0, 0.6},
      {"ecommerce", "price_rise", "pages", "\"page\":\"terms\"", false, 5, kAny},
      {"ecommerce", "competitor", "pages", "", false, 0.1, 0.6},
      {"ecommerce", "competitor", "orders", "", false, 0, 0.45},
      {"ecommerce", "life_change", "pages", "", false, 0.75, 1.3},
      {"ecommerce", "bad_service", "tickets", "opened", false, 5, kAny},
      {"bank", "network_trouble", "cards", "\"declined\":true", true, 4, kAny},
      {"bank", "network_trouble", "logins", "\"failed\":true", true, 3, kAny},
      {"bank", "price_rise", "logins", "terms", true, 3, kAny},
      {"bank", "competitor", "cards", "", false, 0.2, 0.7},
      {"bank", "competitor", "transfers", "\"own_account\":true", false, 3, kAny},
      {"bank", "competitor", "credits", "salary", false, 0, 0.75},
      {"bank", "life_change", "cards", "", false, 0.8, 1.25},
      {"bank", "bad_service", "tickets", "opened", false, 5, kAny},
      {"subscription", "network_trouble", "plays", "\"stalled\":true", true, 4, kAny},
      {"subscription", "price_rise", "contracts", "downgrade", false, 5, kAny},
      {"subscription", "competitor", "plays", "", false, 0.2, 0.7},
      {"subscription", "life_change", "plays", "", false, 0.8, 1.25},
      {"subscription", "bad_service", "tickets", "opened", false, 5, kAny},
  };
  return *traces;
}

// What leavers of one cause did, in both times.
struct Leavers {
  double days_before = 0, days_after = 0;
  std::map<int, std::vector<std::string>> before, after;  // by stream
};

// By cause. Generated once for all traces of an industry.
const std::map<std::string, Leavers>& LeaversOf(const Industry& industry) {
  static auto* const known = new std::map<const Industry*, std::map<std::string, Leavers>>;
  auto [place, fresh] = known->try_emplace(&industry);
  std::map<std::string, Leavers>& causes = place->second;
  if (!fresh) return causes;
  const GeneratorOptions options{.customers = 2000, .days = 120, .seed = 3};
  Generator generator(industry, options);
  std::map<std::string, const Truth*> leaving;
  for (const Truth& truth : generator.truth()) {
    if (!truth.leaves_at || *truth.leaves_at < options.start + 70 * kDay) continue;
    leaving[truth.customer_id] = &truth;
    causes[truth.cause].days_after += 21;
    causes[truth.cause].days_before += static_cast<double>(*truth.leaves_at - kBefore - options.start) / kDay;
  }
  for (GeneratedRecord record; generator.Next(&record);) {
    const auto found = leaving.find(record.line.substr(record.line.find("\"c_") + 1, 8));
    if (found == leaving.end()) continue;
    const std::string_view field = industry.streams[record.stream].time_field;
    const size_t at = record.line.find(fmt::format("\"{}\":", field)) + field.size() + 3;
    const DurationMs left = *found->second->leaves_at - std::stoll(record.line.substr(at, 13));
    Leavers& leavers = causes[found->second->cause];
    if (left <= kAfter) leavers.after[record.stream].push_back(record.line);
    if (left > kBefore) leavers.before[record.stream].push_back(record.line);
  }
  return causes;
}

class TracesTest : public testing::TestWithParam<Trace> {};

INSTANTIATE_TEST_SUITE_P(Traces, TracesTest, testing::ValuesIn(Traces()));

TEST_P(TracesTest, IsThere) {
  const Trace& trace = GetParam();
  const Industry& industry = *FindIndustry(trace.industry);
  int stream = 0;
  while (industry.streams[stream].name != trace.stream) ++stream;
  const Leavers& leavers = LeaversOf(industry).at(trace.cause);
  const auto measure = [&](const std::vector<std::string>& lines, double days) {
    double count = 0;
    for (const std::string& line : lines) count += line.find(trace.text) != std::string::npos;
    return count / (trace.share ? static_cast<double>(lines.size()) : days);
  };
  const auto of = [stream](const std::map<int, std::vector<std::string>>& lines) {
    const auto found = lines.find(stream);
    return found == lines.end() ? std::vector<std::string>() : found->second;
  };
  const double before = measure(of(leavers.before), leavers.days_before);
  const double after = measure(of(leavers.after), leavers.days_after);
  EXPECT_GE(after, trace.low * before) << "before " << before;
  EXPECT_GT(after, trace.low > 1 ? 0 : -1);
  EXPECT_LE(after, trace.high * before) << "before " << before;
}

}  // namespace
}  // namespace ebb
