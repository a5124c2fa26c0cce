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

const TelecomOptions kSmall{.customers = 20, .days = 15};

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

TEST(GeneratorLogTest, UnknownNamesAndBadOptionsAreRefused) {
  EXPECT_EQ(OpenGenerator("telecom.call", kSmall).status().message(),
            "there is no generator 'telecom.call'; known: telecom.calls, telecom.recharges, telecom.complaints");
  EXPECT_EQ(OpenGenerator("telecom.calls", {.customers = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(GeneratorLogTest, FilesHoldTheStreamsAndTheTruth) {
  std::filesystem::path directory = testing::TempDir() + "/ebb_generator_test";
  std::filesystem::create_directories(directory);
  ASSERT_TRUE(WriteTelecom(kSmall, directory.string()).ok());
  for (const std::string stream : {"calls", "recharges", "complaints"}) {
    auto log = OpenGenerator("telecom." + stream, kSmall);
    std::string expected;
    for (const std::string& line : ReadAll(log->get(), 100, 0)) expected += line + "\n";
    EXPECT_EQ(Content(directory / (stream + ".jsonl")), expected);
  }
  std::string expected;
  Telecom telecom(kSmall);
  for (const Truth& truth : telecom.truth()) expected += TruthLine(truth) + "\n";
  EXPECT_EQ(Content(directory / "customers.jsonl"), expected);
  std::filesystem::remove_all(directory);

  absl::Status status = WriteTelecom(kSmall, directory.string());
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot open " + directory.string() + "/calls.jsonl"));
}

}  // namespace
}  // namespace ebb
