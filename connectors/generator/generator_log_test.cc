// Generated streams as logs and files: every way of reading gives the same records.
#include "connectors/generator/generator_log.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::HasSubstr;

const GeneratorOptions kSmall{.customers = 20, .days = 15};

std::vector<std::string> ReadAll(Log* log, size_t max_records, int64_t first_offset) {
  std::vector<std::string> lines;
  std::vector<RawRecord> batch;
  while (!log->ended()) {
    EXPECT_TRUE(log->Read(max_records, &batch).ok());
    EXPECT_FALSE(batch.empty());
    EXPECT_LE(batch.size(), max_records);
    for (const RawRecord& record : batch) {
      EXPECT_EQ(record.offset, first_offset + static_cast<int64_t>(lines.size()));
      EXPECT_EQ(record.reason, Reason::kNone);
      // The padding is readable: under the address sanitizer this line finds out.
      EXPECT_EQ(std::string(record.bytes.data(), record.bytes.size() + kReadPadding).substr(0, record.bytes.size()),
                record.bytes);
      lines.emplace_back(record.bytes);
    }
  }
  return lines;
}

TEST(GeneratorLogTest, EveryBatchSizeGivesTheSameRecords) {
  auto straight = OpenGenerator("telecom.calls", kSmall);
  ASSERT_TRUE(straight.ok());
  EXPECT_EQ((*straight)->name(), "telecom.calls");
  EXPECT_EQ((*straight)->identity(), "customers=20 days=15 seed=1 start=2026-01-01T00:00:00.000Z");
  std::vector<std::string> lines = ReadAll(straight->get(), 1000000, 0);
  EXPECT_GT(lines.size(), 100u);
  EXPECT_EQ((*straight)->progress(), 1.0);
  for (size_t batch : {1u, 7u}) {
    auto log = OpenGenerator("telecom.calls", kSmall);
    EXPECT_EQ(ReadAll(log->get(), batch, 0), lines);
  }
}

TEST(GeneratorLogTest, SeekGoesToAnOffset) {
  auto all = OpenGenerator("telecom.recharges", kSmall);
  std::vector<std::string> lines = ReadAll(all->get(), 100, 0);
  int64_t count = static_cast<int64_t>(lines.size());
  for (int64_t offset : {int64_t{0}, int64_t{1}, int64_t{5}, count - 1, count}) {
    auto log = OpenGenerator("telecom.recharges", kSmall);
    ASSERT_TRUE((*log)->Seek(offset).ok()) << offset;
    EXPECT_EQ(ReadAll(log->get(), 10, offset), std::vector<std::string>(lines.begin() + offset, lines.end()));
  }
  auto log = OpenGenerator("telecom.recharges", kSmall);
  EXPECT_EQ((*log)->Seek(count + 1).code(), absl::StatusCode::kOutOfRange);
}

TEST(GeneratorLogTest, OtherRecordsAreAnotherInput) {
  GeneratorOptions options = kSmall;
  options.disorder = kHour;
  options.no_cause = true;
  options.duplicates = 0.25;
  options.bad_records = 0.125;
  EXPECT_EQ(
      (*OpenGenerator("bank.cards", options))->identity(),
      "customers=20 days=15 seed=1 start=2026-01-01T00:00:00.000Z disorder=1h no_cause duplicates=0.25 bad=0.125");
}

TEST(GeneratorLogTest, UnknownNamesAndBadOptionsAreRefused) {
  const absl::Status status = OpenGenerator("telecom.call", kSmall).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              testing::StartsWith("there is no generator 'telecom.call'; known: telecom.calls, telecom.recharges, "));
  for (const std::string& name : GeneratedStreams()) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    EXPECT_TRUE(OpenGenerator(name, kSmall).ok()) << name;
  }
  EXPECT_EQ(OpenGenerator("telecom.calls", {.customers = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(GeneratorLogTest, FilesHoldTheStreamsAndTheTruth) {
  const std::filesystem::path directory = testing::TempDir() + "/ebb_generator_test";
  for (const Industry* industry : Industries()) {
    std::filesystem::create_directories(directory);
    const auto paths = WriteGenerated(*industry, kSmall, directory.string());
    ASSERT_TRUE(paths.ok());
    ASSERT_EQ(paths->size(), industry->streams.size() + 1);
    for (size_t s = 0; s < industry->streams.size(); ++s) {
      const std::string name(industry->streams[s].name);
      auto log = OpenGenerator(std::string(industry->name) + "." + name, kSmall);
      std::string expected;
      for (const std::string& line : ReadAll(log->get(), 100, 0)) expected += line + "\n";
      EXPECT_EQ((*paths)[s], (directory / (name + ".jsonl")).string());
      EXPECT_EQ(Content((*paths)[s]), expected);
    }
    std::string expected(kTruthHeader);
    const Generator generator(*industry, kSmall);
    for (const Truth& truth : generator.truth()) expected += "\n" + TruthLine(truth);
    EXPECT_EQ(Content(paths->back()), expected + "\n");
    std::filesystem::remove_all(directory);
  }
  const absl::Status status = WriteGenerated(kTelecom, kSmall, directory.string()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot open " + directory.string() + "/calls.jsonl"));
}

}  // namespace
}  // namespace ebb
