// The progress record: round trips, damage, versions.
#include "engine/task/progress.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

Progress Sample() {
  Progress p;
  p.pipeline = "a pipeline";
  p.fingerprint = "00ff";
  p.epoch = 41;
  p.cursor = 1'700'000'000'000;
  p.finished = true;
  p.chain = 0xFFFFFFFFFFFFFFF0;
  p.logs = {
      {"calls", "dir/with space%/a.json", "id\n1", 12, -5}, {"calls", "", "", 0, kBeforeTime}, {"", "%", "%20", 7, 8}};
  p.outputs = {{"alerts", 1000, 10}, {"scores", -1, 3}};
  SourceLedger ledger;
  ledger.used = 1;
  ledger.late = 2;
  ledger.filtered = 3;
  ledger.duplicate = 4;
  ledger.tombstone = 5;
  for (int i = 0; i < SourceLedger::kReasons; ++i) ledger.quarantined[i] = 100 + i;
  p.ledger = {{"calls", ledger}, {"b\xC3\xBC", {}}};
  p.counters = {{"evaluations", -7}, {"a b", 0}};
  return p;
}

TEST(ProgressTest, ContradictionsAreSaid) {
  Progress p = Sample();
  p.logs = {{"calls", "a", "", 300, 5}};
  EXPECT_THAT(Contradictions(p), testing::IsEmpty());
  p.logs[0].low_offset = 100'000;
  EXPECT_THAT(Contradictions(p), testing::ElementsAre(testing::HasSubstr("the ledger counts")));
  p.task = 2;
  EXPECT_THAT(Contradictions(p), testing::IsEmpty());
  p.logs[0].start_offset = 100'001;
  p.logs[0].anchor = Anchor{100'001, 7};
  p.logs[0].floors = {{5, 1}, {4, 1}};
  EXPECT_THAT(Contradictions(p),
              testing::ElementsAre(testing::HasSubstr("before its first"), testing::HasSubstr("behind the one"),
                                   testing::HasSubstr("out of order")));
}

// The text with its closing hash made right again.
std::string Sealed(std::string text) {
  text.resize(text.rfind("end "));
  return text + "end " + std::to_string(HashText(text)) + "\n";
}

TEST(ProgressTest, EverythingComesBack) {
  const Progress p = Sample();
  const absl::StatusOr<Progress> read = DecodeProgress(EncodeProgress(p));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->pipeline, p.pipeline);
  EXPECT_EQ(read->fingerprint, p.fingerprint);
  EXPECT_EQ(read->epoch, p.epoch);
  EXPECT_EQ(read->cursor, p.cursor);
  EXPECT_EQ(read->finished, p.finished);
  EXPECT_EQ(read->chain, p.chain);
  ASSERT_EQ(read->logs.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read->logs[i].source, p.logs[i].source);
    EXPECT_EQ(read->logs[i].name, p.logs[i].name);
    EXPECT_EQ(read->logs[i].identity, p.logs[i].identity);
    EXPECT_EQ(read->logs[i].low_offset, p.logs[i].low_offset);
    EXPECT_EQ(read->logs[i].newest, p.logs[i].newest);
  }
  ASSERT_EQ(read->outputs.size(), 2u);
  EXPECT_EQ(read->outputs[1].stream, "scores");
  EXPECT_EQ(read->outputs[1].bytes, -1);
  EXPECT_EQ(read->outputs[1].lines, 3);
  ASSERT_EQ(read->ledger.size(), 2u);
  EXPECT_EQ(read->ledger[1].first, "b\xC3\xBC");
  EXPECT_EQ(read->ledger[0].second.read(), p.ledger[0].second.read());
  EXPECT_EQ(read->ledger[0].second.late, 2);
  EXPECT_EQ(read->ledger[0].second.quarantined, p.ledger[0].second.quarantined);
  EXPECT_EQ(read->counters, p.counters);
  EXPECT_EQ(EncodeProgress(*read), EncodeProgress(p));
  ASSERT_TRUE(DecodeProgress(EncodeProgress(Progress())).ok());
}

TEST(ProgressTest, ALiveTaskKeepsItsDecisions) {
  Progress p = Sample();
  p.task = 3;
  p.logs[0].start_offset = 5;
  p.logs[0].anchor = {13, 0xFEDCBA9876543210};
  p.logs[0].lag = -20;
  p.logs[0].floors = {{14, 100}, {20, 300}};
  p.logs[2].skipped = {{9, kBeforeTime}};
  const absl::StatusOr<Progress> read = DecodeProgress(EncodeProgress(p));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->task, 3);
  EXPECT_EQ(read->logs[0].start_offset, 5);
  ASSERT_TRUE(read->logs[0].anchor.has_value());
  EXPECT_EQ(read->logs[0].anchor->offset, 13);
  EXPECT_EQ(read->logs[0].anchor->checksum, 0xFEDCBA9876543210);
  EXPECT_FALSE(read->logs[1].anchor.has_value());
  EXPECT_EQ(read->logs[0].lag, -20);
  EXPECT_FALSE(read->logs[1].lag.has_value());
  ASSERT_EQ(read->logs[0].floors.size(), 2u);
  EXPECT_EQ(read->logs[0].floors[1].from_offset, 20);
  EXPECT_EQ(read->logs[0].floors[1].newest, 300);
  ASSERT_EQ(read->logs[2].skipped.size(), 1u);
  EXPECT_EQ(read->logs[2].skipped[0].offset, 9);
  EXPECT_EQ(read->logs[2].skipped[0].from_time, kBeforeTime);
  EXPECT_EQ(EncodeProgress(*read), EncodeProgress(p));
}

TEST(ProgressTest, EveryByteOfATextSurvives) {
  Progress p;
  for (int c = 0; c < 256; ++c) p.pipeline += static_cast<char>(c);
  for (int c = 255; c >= 0; --c) p.pipeline += fmt::format("{}%", static_cast<char>(c));
  EXPECT_EQ(DecodeProgress(EncodeProgress(p))->pipeline, p.pipeline);
}

TEST(ProgressTest, DamageIsNoticed) {
  const std::string text = EncodeProgress(Sample());
  for (size_t length = 0; length < text.size(); ++length) {
    const absl::Status status = DecodeProgress(std::string_view(text).substr(0, length)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << length;
  }
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    std::string damaged = text;
    damaged[random.Below(damaged.size())] ^= static_cast<char>(1 << random.Below(8));
    ASSERT_EQ(DecodeProgress(damaged).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_FALSE(DecodeProgress(text + "\n").ok());
}

TEST(ProgressTest, LinesThatMakeNoSenseAreDamageToo) {
  const std::string text = EncodeProgress(Sample());
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"epoch 41", "epoch x"},
           {"epoch 41 ", "epoch "},
           {"epoch 41", "epoch 41 41"},
           {"epoch 41", "eepoch 41"},
           {"ebb-progress", "abb-progress"},
           {"counter evaluations -7", "counter evaluations -7 1"},
           {"output alerts 1000 10", "output alerts 1000"}}) {
    std::string changed = text;
    ASSERT_NE(changed.find(from), std::string::npos) << from;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_EQ(DecodeProgress(Sealed(changed)).status().code(), absl::StatusCode::kDataLoss) << to;
  }
  EXPECT_TRUE(DecodeProgress(Sealed(text)).ok());
}

// The sample as a version of the progress that is `more` newer would begin.
std::string OfAnotherVersion(int more) {
  std::string text = EncodeProgress(Sample());
  const std::string mine = " " + std::to_string(Progress::kVersion) + "\n";
  return text.replace(text.find(mine), mine.size(), " " + std::to_string(Progress::kVersion + more) + "\n");
}

TEST(ProgressTest, ANewerVersionIsNamed) {
  const absl::Status status = DecodeProgress(Sealed(OfAnotherVersion(1))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer ebb"), std::string::npos) << status.message();
}

TEST(ProgressTest, AnOlderVersionIsRefused) {
  const absl::Status status = DecodeProgress(Sealed(OfAnotherVersion(-1))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("older ebb"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace ebb
