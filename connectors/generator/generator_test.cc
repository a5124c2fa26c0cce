// What every generator promises: the same bytes, arrival order within the declared disorder, faults on request, and
// silence after leaving.
#include "connectors/generator/generator.h"

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
std::string Value(const std::string& line, std::string_view name) {
  const size_t at = line.find(fmt::format("\"{}\":", name));
  EXPECT_NE(at, std::string::npos) << name << " in " << line;
  const size_t begin = at + name.size() + 3;
  return line.substr(begin, line.find_first_of(",}", begin) - begin);
}

TimeMs EventTime(const Industry& industry, const GeneratedRecord& record) {
  return std::stoll(Value(record.line, industry.streams[record.stream].time_field));
}

std::string Customer(const GeneratedRecord& record) {
  const size_t at = record.line.find("\"c_");
  return record.line.substr(at + 1, 8);
}

std::vector<GeneratedRecord> All(const Industry& industry, const GeneratorOptions& options,
                                 std::optional<int> only = std::nullopt) {
  Generator generator(industry, options, only);
  std::vector<GeneratedRecord> records;
  for (GeneratedRecord record; generator.Next(&record);) records.push_back(record);
  EXPECT_EQ(generator.progress(), 1.0);
  return records;
}

std::string Digest(const Industry& industry, const GeneratorOptions& options) {
  std::string text;
  Generator generator(industry, options);
  for (GeneratedRecord record; generator.Next(&record);) text += record.line + "\n";
  for (const Truth& truth : generator.truth()) text += TruthLine(truth) + "\n";
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

class GeneratorTest : public testing::TestWithParam<const Industry*> {
 protected:
  const Industry& industry() const { return *GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Industries, GeneratorTest, testing::ValuesIn(Industries()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST_P(GeneratorTest, SameSeedSameBytes) {
  const std::map<std::string_view, std::string> digests = {{"telecom", "c19d12e97fdf6875"},
                                                           {"ecommerce", "996893ab61c8d200"},
                                                           {"bank", "b7e8d8f419e7a70a"},
                                                           {"subscription", "781db0e8019d2a81"}};
  GeneratorOptions options{.customers = 60, .days = 50, .seed = 7};
  EXPECT_EQ(Digest(industry(), options), digests.at(industry().name));
  options.seed = 8;
  EXPECT_NE(Digest(industry(), options), digests.at(industry().name));
}

TEST_P(GeneratorTest, EveryStreamHasRecordsOfItsForm) {
  std::map<int, int> seen;
  for (const GeneratedRecord& record : All(industry(), {.customers = 150, .days = 90})) {
    if (++seen[record.stream] > 20) continue;  // regular expressions take their time
    const StreamForm& form = industry().streams[record.stream];
    ASSERT_THAT(record.line, testing::MatchesRegex(fmt::format(
                                 R"re(\{{"{}":"{}[0-9]{{8}}",.*"c_[0-9a-f]{{6}}".*"{}":[0-9]{{13}},.*[^,]\}})re",
                                 form.id_field, form.id_letter, form.time_field)));
  }
  EXPECT_EQ(seen.size(), industry().streams.size());
}

TEST_P(GeneratorTest, ArrivesInOrderWithinTheDeclaredDisorder) {
  for (DurationMs disorder : {2 * kHour, 20 * kMinute, DurationMs{0}}) {
    TimeMs newest = kBeforeTime, arrival = kBeforeTime;
    DurationMs furthest_behind = 0;
    const GeneratorOptions options{.customers = 250, .days = 20, .disorder = disorder};
    for (const GeneratedRecord& record : All(industry(), options)) {
      ASSERT_GE(record.arrival, arrival);
      arrival = record.arrival;
      const TimeMs time = EventTime(industry(), record);
      ASSERT_GE(time, options.start);
      ASSERT_LT(time, options.start + options.days * kDay);
      furthest_behind = std::max(furthest_behind, newest - time);
      newest = std::max(newest, time);
    }
    EXPECT_LE(furthest_behind, disorder);
    EXPECT_GE(furthest_behind, disorder / 4);
  }
}

TEST_P(GeneratorTest, CustomersHaveOneIdEachAndSomeLeave) {
  const Generator generator(industry(), {.customers = 3000, .days = 90});
  std::set<std::string> ids;
  std::map<std::string, int> causes;
  for (const Truth& truth : generator.truth()) {
    ids.insert(truth.customer_id);
    ++causes[truth.cause];
    EXPECT_EQ(truth.leaves_at.has_value(), !truth.cause.empty());
  }
  EXPECT_EQ(ids.size(), 3000u);
  EXPECT_EQ(causes.size(), 6u);
  EXPECT_NEAR(1 - causes[""] / 3000.0, 0.15, 0.025);
}

TEST_P(GeneratorTest, NothingHappensAfterLeaving) {
  const GeneratorOptions options{.customers = 300, .days = 70};
  std::map<std::string, TimeMs> leaves;
  const Generator generator(industry(), options);
  for (const Truth& truth : generator.truth()) {
    if (truth.leaves_at) leaves[truth.customer_id] = *truth.leaves_at;
  }
  int of_leavers = 0;
  for (const GeneratedRecord& record : All(industry(), options)) {
    const auto found = leaves.find(Customer(record));
    if (found == leaves.end()) continue;
    ++of_leavers;
    ASSERT_LT(EventTime(industry(), record), found->second) << record.line;
  }
  EXPECT_GT(of_leavers, 100);
}

TEST_P(GeneratorTest, AHistoryDoesNotDependOnTheOthers) {
  const auto of_first = [this](int64_t customers) {
    const GeneratorOptions options{.customers = customers, .days = 30};
    const std::string id = Generator(industry(), options).truth()[0].customer_id;
    std::vector<TimeMs> times;
    for (const GeneratedRecord& record : All(industry(), options)) {
      if (Customer(record) == id) times.push_back(EventTime(industry(), record));
    }
    return times;
  };
  EXPECT_EQ(of_first(1), of_first(40));
  EXPECT_FALSE(of_first(1).empty());
}

TEST_P(GeneratorTest, StreamsAloneAreTheSameAsMerged) {
  const GeneratorOptions options{.customers = 60, .days = 40, .duplicates = 0.05, .bad_records = 0.05};
  std::map<int, std::vector<std::string>> merged;
  for (const GeneratedRecord& record : All(industry(), options)) merged[record.stream].push_back(record.line);
  for (size_t s = 0; s < industry().streams.size(); ++s) {
    const int stream = static_cast<int>(s);
    std::vector<std::string> alone;
    for (const GeneratedRecord& record : All(industry(), options, stream)) alone.push_back(record.line);
    EXPECT_EQ(alone, merged[stream]) << industry().streams[s].name;
    Generator skipped(industry(), options, stream);
    size_t count = 0;
    while (skipped.Skip()) ++count;
    EXPECT_EQ(count, alone.size());
  }
}

TEST_P(GeneratorTest, FaultsComeOnRequestAndChangeNothingElse) {
  GeneratorOptions options{.customers = 80, .days = 30};
  std::multiset<std::string> clean, faulty;
  for (const GeneratedRecord& record : All(industry(), options)) clean.insert(record.line);
  EXPECT_EQ(std::set<std::string>(clean.begin(), clean.end()).size(), clean.size());
  options.duplicates = 0.1;
  options.bad_records = 0.02;
  for (const GeneratedRecord& record : All(industry(), options)) faulty.insert(record.line);
  double twice = 0, broken = 0;
  for (const std::string& line : faulty) broken += !clean.contains(line);
  for (const std::string& line : clean) {
    ASSERT_GE(faulty.count(line), 1u) << line;
    ASSERT_LE(faulty.count(line), 2u) << line;
    twice += faulty.count(line) == 2;
  }
  const auto all = static_cast<double>(clean.size());
  EXPECT_NEAR(twice / all, 0.1, 0.03);
  EXPECT_NEAR(broken / all, 0.02, 0.01);
}

TEST_P(GeneratorTest, WithoutACauseEveryLeavingIsAChangeOfLife) {
  const GeneratorOptions with{.customers = 500, .days = 60}, without{.customers = 500, .days = 60, .no_cause = true};
  const std::vector<Truth> causes = Generator(industry(), with).truth();
  const std::vector<Truth> none = Generator(industry(), without).truth();
  for (size_t i = 0; i < causes.size(); ++i) {
    EXPECT_EQ(none[i].leaves_at, causes[i].leaves_at);
    EXPECT_EQ(none[i].cause, causes[i].leaves_at ? "life_change" : "");
  }
}

TEST(GeneratorOptionsTest, OptionsOutOfRangeAreNamed) {
  const std::vector<std::pair<GeneratorOptions, std::string>> cases = {
      {{.customers = 0}, "customers must be 1 to 16777216, not 0"},
      {{.customers = kMaxGeneratedCustomers + 1}, "customers must be 1 to 16777216, not 16777217"},
      {{.days = 0}, "days must be 1 to 3660, not 0"},
      {{.start = 1}, "start must be a midnight (UTC) from 1980 to 2199, not 1970-01-01T00:00:00.001Z"},
      {{.disorder = 31 * kDay}, "disorder must be 0s to 30d, not 31d"},
      {{.duplicates = 0.6}, "duplicates and bad records must be 0% to 50%, not 60% and 0%"},
      {{.bad_records = -0.01}, "duplicates and bad records must be 0% to 50%, not 0% and -1%"},
  };
  for (const auto& [options, message] : cases) EXPECT_EQ(CheckGeneratorOptions(options).message(), message);
}

}  // namespace
}  // namespace ebb
