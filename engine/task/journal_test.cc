// The journal record: round trips, the chain, damage, versions.
#include "engine/task/journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/task/text_record.h"

namespace ebb {
namespace {

JournalRecord Sample() {
  JournalRecord record;
  record.task = 3;
  record.pipeline = "a pipeline";
  record.fingerprint = "00ff";
  record.epoch = 7;
  record.cursor = 1'700'000'000'000;
  record.wall_ms = 1'700'000'009'000;
  record.logs = {{"calls", "cdr-3", "id", 12, 1'699'999'999'000, 2, {}, 250, {{14, 100}, {15, 200}}, {{13, 50}}},
                 {"bills", "bills-3", "", 0, kBeforeTime, 0, {}, {}, {}, {}}};
  record.outputs = {{"alerts", 4, 9}, {"scores", 0, 0}};
  record.digest = 0xFFFFFFFFFFFFFFF1;
  return record;
}

TEST(JournalTest, EverythingComesBack) {
  JournalRecord record = Sample();
  const std::string text = EncodeJournalRecord(99, &record);
  const absl::StatusOr<JournalRecord> read = DecodeJournalRecord(text);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->task, 3);
  EXPECT_EQ(read->pipeline, "a pipeline");
  EXPECT_EQ(read->fingerprint, "00ff");
  EXPECT_EQ(read->epoch, 7);
  EXPECT_EQ(read->cursor, record.cursor);
  EXPECT_EQ(read->wall_ms, record.wall_ms);
  ASSERT_EQ(read->logs.size(), 2u);
  EXPECT_EQ(read->logs[0].start_offset, 2);
  EXPECT_EQ(read->logs[0].lag, 250);
  ASSERT_EQ(read->logs[0].floors.size(), 2u);
  EXPECT_EQ(read->logs[0].floors[1].from_offset, 15);
  ASSERT_EQ(read->logs[0].skipped.size(), 1u);
  EXPECT_EQ(read->logs[0].skipped[0].from_time, 50);
  ASSERT_EQ(read->outputs.size(), 2u);
  EXPECT_EQ(read->outputs[0].first, 4);
  EXPECT_EQ(read->outputs[0].end, 9);
  EXPECT_EQ(read->digest, record.digest);
  EXPECT_EQ(read->chain, record.chain);
  JournalRecord again = *read;
  EXPECT_EQ(EncodeJournalRecord(99, &again), text);
}

TEST(JournalTest, TheChainHoldsWhatCameBeforeAndEveryFact) {
  JournalRecord record = Sample();
  EncodeJournalRecord(99, &record);
  EXPECT_EQ(JournalChain(99, record), record.chain);
  EXPECT_NE(JournalChain(98, record), record.chain);
  JournalRecord changed = record;
  ++changed.logs[0].floors[0].newest;
  EXPECT_NE(JournalChain(99, changed), record.chain);
  changed = record;
  ++changed.digest;
  EXPECT_NE(JournalChain(99, changed), record.chain);
}

TEST(JournalTest, DamageIsNoticed) {
  JournalRecord record = Sample();
  const std::string text = EncodeJournalRecord(1, &record);
  for (size_t length = 0; length < text.size(); ++length) {
    const absl::Status status = DecodeJournalRecord(std::string_view(text).substr(0, length)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << length;
  }
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    std::string damaged = text;
    damaged[random.Below(damaged.size())] ^= static_cast<char>(1 << random.Below(8));
    ASSERT_EQ(DecodeJournalRecord(damaged).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(JournalTest, LinesThatMakeNoSenseAreDamageToo) {
  for (std::string_view line : {"epoch 1 2 x 0", "epoch 1 2 3", "floor 1 2", "skip 1 2", "lag 1", "nonsense", ""}) {
    const std::string text = SealedRecord(fmt::format("ebb-journal 1\n{}\n", line));
    EXPECT_EQ(DecodeJournalRecord(text).status().code(), absl::StatusCode::kDataLoss) << line;
  }
  EXPECT_EQ(DecodeJournalRecord(SealedRecord("ebb-journal x\n")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(DecodeJournalRecord(SealedRecord("ebb-journal 1\nepoch 1 2 3 0\n")).ok());
}

TEST(JournalTest, ANewerVersionIsNamed) {
  const absl::Status status = DecodeJournalRecord(SealedRecord("ebb-journal 2\nthe future\n")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("version 2"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace ebb
