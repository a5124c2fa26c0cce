// What the generator promises: the same bytes, arrival order within the declared disorder, silence after leaving, and
// traces of each cause that can be measured.
#include "connectors/generator/telecom.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

// The text after `"name":` up to the next comma or brace.
std::string Value(const std::string& line, const std::string& name) {
  size_t at = line.find("\"" + name + "\":");
  EXPECT_NE(at, std::string::npos) << name << " in " << line;
  size_t begin = at + name.size() + 3;
  return line.substr(begin, line.find_first_of(",}", begin) - begin);
}

TimeMs EventTime(const GeneratedRecord& record) {
  return std::stoll(Value(record.line, record.stream == kCallStream ? "start_ts" : "ts"));
}

std::string Customer(const GeneratedRecord& record) {
  std::string quoted = Value(record.line, record.stream == kCallStream ? "id" : "subscriber_id");
  return quoted.substr(1, quoted.size() - 2);
}

std::vector<GeneratedRecord> All(const TelecomOptions& options) {
  Telecom telecom(options);
  std::vector<GeneratedRecord> records;
  for (GeneratedRecord record; telecom.Next(&record);) records.push_back(record);
  return records;
}

std::string Digest(const TelecomOptions& options) {
  std::string text;
  Telecom telecom(options);
  for (GeneratedRecord record; telecom.Next(&record);) text += record.line + "\n";
  for (const Truth& truth : telecom.truth()) text += TruthLine(truth) + "\n";
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

TEST(TelecomTest, SameSeedSameBytes) {
  TelecomOptions options{.customers = 60, .days = 50, .seed = 7};
  EXPECT_EQ(Digest(options), "2832b2f139609da4");
  options.seed = 8;
  EXPECT_NE(Digest(options), "2832b2f139609da4");
}

TEST(TelecomTest, LinesHaveTheDeclaredForm) {
  std::vector<GeneratedRecord> records = All({.customers = 40, .days = 40});
  const std::map<int, std::string> forms = {
      {kCallStream,
       R"re(\{"record_id":"r[0-9]+","subscriber":\{"id":"c_[0-9a-f]+"\},"start_ts":[0-9]+,"duration_s":[0-9]+,)re"
       R"re("dropped":(true|false),"charge":[0-9]+\.[0-9][0-9],"callee":"[0-9]+"\})re"},
      {kRechargeStream,
       R"re(\{"recharge_id":"p[0-9]+","subscriber_id":"c_[0-9a-f]+","ts":[0-9]+,"amount":[0-9]+\.[05]0,)re"
       R"re("channel":"(app|shop|voucher|bank)"\})re"},
      {kComplaintStream, R"re(\{"complaint_id":"q[0-9]+","subscriber_id":"c_[0-9a-f]+","ts":[0-9]+,)re"
                         R"re("category":"(coverage|billing|service|device|other)","severity":[1-4]\})re"}};
  std::map<int, int> seen;
  for (const GeneratedRecord& record : records) {
    ASSERT_THAT(record.line, testing::MatchesRegex(forms.at(record.stream)));
    ++seen[record.stream];
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(TelecomTest, ArrivesInOrderWithinTheDeclaredDisorder) {
  TimeMs newest = kBeforeTime, arrival = kBeforeTime;
  DurationMs furthest_behind = 0;
  TelecomOptions options{.customers = 300, .days = 30};
  for (const GeneratedRecord& record : All(options)) {
    EXPECT_GE(record.arrival, arrival);
    arrival = record.arrival;
    TimeMs time = EventTime(record);
    EXPECT_GE(time, options.start);
    EXPECT_LT(time, options.start + options.days * kDay);
    furthest_behind = std::max(furthest_behind, newest - time);
    newest = std::max(newest, time);
  }
  EXPECT_LT(furthest_behind, kTelecomDisorder);
  EXPECT_GT(furthest_behind, kTelecomDisorder / 3);
}

TEST(TelecomTest, CustomersHaveOneIdEachAndSomeLeave) {
  Telecom telecom({.customers = 4000, .days = 90});
  std::set<std::string> ids;
  int leavers = 0;
  for (const Truth& truth : telecom.truth()) {
    ids.insert(truth.customer_id);
    leavers += truth.leaves_at.has_value();
    EXPECT_EQ(truth.leaves_at.has_value(), truth.cause != LeavingCause::kNone);
  }
  EXPECT_EQ(ids.size(), 4000u);
  EXPECT_NEAR(leavers / 4000.0, 0.15, 0.02);
}

TEST(TelecomTest, AHistoryDoesNotDependOnTheOthers) {
  auto of_first = [](int64_t customers) {
    TelecomOptions options{.customers = customers, .days = 20};
    std::string id = Telecom(options).truth()[0].customer_id;
    std::vector<TimeMs> times;
    for (const GeneratedRecord& record : All(options)) {
      if (Customer(record) == id) times.push_back(EventTime(record));
    }
    return times;
  };
  EXPECT_EQ(of_first(1), of_first(50));
}

TEST(TelecomTest, StreamsAloneAreTheSameAsMerged) {
  TelecomOptions options{.customers = 50, .days = 20};
  for (int stream = 0; stream < kTelecomStreams; ++stream) {
    Telecom merged(options), alone(options);
    GeneratedRecord a, b;
    while (merged.Next(&a)) {
      if (a.stream != stream) continue;
      ASSERT_TRUE(alone.NextOf(stream, &b));
      ASSERT_EQ(a.line, b.line);
    }
    EXPECT_FALSE(alone.SkipOf(stream));
    EXPECT_EQ(alone.progress(), 1.0);
  }
}

// Sums over the customers of one cause: the 21 days before leaving against the time more than 42 days before, per day.
struct Traces {
  double calls = 0, drops = 0, complaints = 0, severe = 0, recharges = 0, amount = 0, partners = 0, days = 0;
};
struct BeforeAndAfter {
  Traces before, after;
  double Ratio(double Traces::*what) const { return (after.*what / after.days) / (before.*what / before.days); }
  double DropShareRatio() const { return (after.drops / after.calls) / (before.drops / before.calls); }
  double AmountRatio() const { return (after.amount / after.recharges) / (before.amount / before.recharges); }
};

void Add(const GeneratedRecord& record, Traces* traces) {
  if (record.stream == kCallStream) {
    ++traces->calls;
    traces->drops += Value(record.line, "dropped") == "true";
  } else if (record.stream == kRechargeStream) {
    ++traces->recharges;
    traces->amount += std::stod(Value(record.line, "amount"));
  } else {
    ++traces->complaints;
    traces->severe += std::stoi(Value(record.line, "severity")) >= 3;
  }
}

class TelecomTracesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    constexpr DurationMs kAfter = 21 * kDay, kBefore = 42 * kDay;
    TelecomOptions options{.customers = 4000, .days = 120, .seed = 3};
    Telecom telecom(options);
    std::map<std::string, const Truth*> leavers;
    for (const Truth& truth : telecom.truth()) {
      if (!truth.leaves_at.has_value() || *truth.leaves_at < options.start + 70 * kDay) continue;
      leavers[truth.customer_id] = &truth;
      BeforeAndAfter& sum = (*sums_)[truth.cause];
      sum.after.days += 21;
      sum.before.days += static_cast<double>(*truth.leaves_at - kBefore - options.start) / kDay;
    }
    std::map<std::string, std::map<std::string, int>> callees_before, callees_after;  // in 21 days each
    for (GeneratedRecord record; telecom.Next(&record);) {
      auto leaver = leavers.find(Customer(record));
      if (leaver == leavers.end()) continue;
      TimeMs left = *leaver->second->leaves_at - EventTime(record);
      ASSERT_GT(left, 0) << "an event after leaving: " << record.line;
      BeforeAndAfter& sum = (*sums_)[leaver->second->cause];
      if (left <= kAfter) Add(record, &sum.after);
      if (left > kBefore) Add(record, &sum.before);
      if (record.stream != kCallStream) continue;
      if (left <= kAfter) ++callees_after[leaver->first][Value(record.line, "callee")];
      if (left > kBefore && left <= kBefore + kAfter) ++callees_before[leaver->first][Value(record.line, "callee")];
    }
    for (const auto& [id, truth] : leavers) {
      // Ratio divides by days; both counts are of 21 days, so the first is scaled to the longer time before.
      BeforeAndAfter& sum = (*sums_)[truth->cause];
      double days = static_cast<double>(*truth->leaves_at - kBefore - options.start) / kDay;
      sum.before.partners += static_cast<double>(callees_before[id].size()) * days / 21;
      sum.after.partners += static_cast<double>(callees_after[id].size());
    }
  }
  static void TearDownTestSuite() { sums_->clear(); }
  static const BeforeAndAfter& Of(LeavingCause cause) { return sums_->at(cause); }

  static std::map<LeavingCause, BeforeAndAfter>* sums_;
};

std::map<LeavingCause, BeforeAndAfter>* TelecomTracesTest::sums_ = new std::map<LeavingCause, BeforeAndAfter>;

TEST_F(TelecomTracesTest, NetworkTroubleDropsCalls) {
  const BeforeAndAfter& sum = Of(LeavingCause::kNetworkTrouble);
  EXPECT_GT(sum.DropShareRatio(), 3);
  EXPECT_GT(sum.Ratio(&Traces::complaints), 5);
}

TEST_F(TelecomTracesTest, APriceRiseShrinksRecharges) {
  const BeforeAndAfter& sum = Of(LeavingCause::kPriceRise);
  EXPECT_LT(sum.AmountRatio(), 0.75);
  EXPECT_LT(sum.Ratio(&Traces::recharges), 0.9);
  EXPECT_GT(sum.Ratio(&Traces::complaints), 3);
}

TEST_F(TelecomTracesTest, ACompetitorTakesCallsAndPartners) {
  const BeforeAndAfter& sum = Of(LeavingCause::kCompetitor);
  EXPECT_LT(sum.Ratio(&Traces::calls), 0.6);
  EXPECT_LT(sum.Ratio(&Traces::partners), 0.6);
  EXPECT_LT(sum.Ratio(&Traces::complaints), 3);
}

TEST_F(TelecomTracesTest, ALifeChangeLeavesNoTrace) {
  const BeforeAndAfter& sum = Of(LeavingCause::kLifeChange);
  EXPECT_NEAR(sum.Ratio(&Traces::calls), 1, 0.15);
  EXPECT_NEAR(sum.AmountRatio(), 1, 0.15);
  EXPECT_LT(sum.DropShareRatio(), 1.5);
}

TEST_F(TelecomTracesTest, BadServiceMakesSevereComplaints) {
  const BeforeAndAfter& sum = Of(LeavingCause::kBadService);
  EXPECT_GT(sum.Ratio(&Traces::complaints), 10);
  EXPECT_GT(sum.after.severe / sum.after.complaints, 0.3);
  EXPECT_LT(sum.DropShareRatio(), 1.5);
}

TEST(TelecomTest, OptionsOutOfRangeAreNamed) {
  struct Case {
    TelecomOptions options;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{.customers = 0}, "customers must be 1 to 16777216, not 0"},
      {{.customers = kMaxTelecomCustomers + 1}, "customers must be 1 to 16777216, not 16777217"},
      {{.days = 0}, "days must be 1 to 3660, not 0"},
      {{.start = 1}, "start must be a midnight (UTC) from 1980 to 2199, not 1970-01-01T00:00:00.001Z"},
  };
  for (const Case& c : cases) EXPECT_EQ(CheckTelecomOptions(c.options).message(), c.message);
}

}  // namespace
}  // namespace ebb
