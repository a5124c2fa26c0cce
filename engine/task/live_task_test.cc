// A live task step by step: when it commits and writes the state, when a log stops holding the watermark, what it
// refuses to go on from. That nothing is lost or doubled whatever fails is shown by
// tests/property/live_property_test.cc.
#include "engine/task/live_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/property/live_world.h"
#include "tests/property/mixing.h"

namespace ebb {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr TimeMs kT = 1'700'000'000'000;

class LiveTaskTest : public ::testing::Test {
 protected:
  LiveTaskTest() : schemas_(2), partitions_(2) {
    for (size_t s = 0; s < 2; ++s) {
      schemas_[s].name = s == 0 ? "calls" : "bills";
      schemas_[s].ordinal = static_cast<uint16_t>(s);
      schemas_[s].fields.resize(1);
      schemas_[s].time.idle_after = 1000;
      partitions_[s].name = s == 0 ? "cdr-0" : "bills-0";
    }
    options_.quiet_state_interval = options_.state_interval = kDay;
  }

  // A record of the present, unless `time` says otherwise.
  void Append(size_t source, std::string_view key, TimeMs time) { AppendAt(source, key, time, time); }
  void AppendAt(size_t source, std::string_view key, TimeMs time, TimeMs append_time) {
    MemoryRecord record;
    std::copy(key.begin(), key.end(), record.key);
    record.time = time;
    record.value = 63;  // gives an alert, and sets no timer
    partitions_[source].Append(record, append_time, false, 0);
  }
  void AppendGarbage(size_t source) {
    MemoryRecord record;
    record.reason = Reason::kJsonSyntax;
    partitions_[source].Append(record, kT, false, 0);
  }

  absl::Status Start() {
    task_.reset();
    delivery_ = std::make_unique<ClusterDelivery>(&cluster_, &faults_);
    LiveParts parts;
    parts.pipeline = pipeline_;
    parts.fingerprint = fingerprint_;
    parts.layout = MixingLayout();
    parts.work = std::make_unique<MixingOperator>(nullptr);
    parts.store = store_.get();
    parts.delivery = delivery_.get();
    std::vector<LiveSource> sources;
    for (size_t s = 0; s < schemas_.size(); ++s) {
      sources.push_back({&schemas_[s], std::make_unique<PartitionLog>(&partitions_[s], &faults_, 0),
                         std::make_unique<MemoryDecoder>()});
    }
    task_ = std::make_unique<LiveTask>(options_, std::move(parts), std::move(sources));
    return task_->Recover();
  }
  StepResult Step(int64_t after_ms = 0) {
    now_ms_ += after_ms;
    const absl::StatusOr<StepResult> result = task_->Step(kT + now_ms_, now_ms_);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *result : StepResult();
  }
  // Steps until nothing is left to read.
  void StepAll() {
    while (Step().records > 0) {
    }
    Step();
  }
  // Two records a log, of which the first is done; all is committed and written.
  void FinishSome() {
    ASSERT_TRUE(Start().ok());
    for (size_t s : {0, 1}) {
      Append(s, "a", kT);
      Append(s, "a", kT + 10);
    }
    StepAll();
    ASSERT_TRUE(task_->Finish().ok());
  }
  // An epoch with one alert, committed and written.
  void MakeState() {
    FinishSome();
    ASSERT_THAT(cluster_.journal, SizeIs(1));
    ASSERT_EQ(task_->state_epoch(), 1);
  }
  // One epoch more, which the state doesn't know.
  void AddEpoch() {
    for (size_t s : {0, 1}) Append(s, "b", kT + 20);
    ASSERT_TRUE(Start().ok());
    StepAll();
    ASSERT_THAT(cluster_.journal, SizeIs(2));
    ASSERT_EQ(task_->state_epoch(), 1);
  }
  void ExpectRefused(absl::StatusCode code, std::string_view says) {
    const absl::Status status = Start();
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(says)));
    EXPECT_FALSE(task_->Step(kT, 0).ok()) << "it must not run";
  }

  std::vector<SourceSchema> schemas_;
  std::vector<Partition> partitions_;
  LiveOptions options_;
  std::string pipeline_ = "p", fingerprint_ = "f";
  Faults faults_;
  Cluster cluster_;
  std::unique_ptr<StateStore> store_ = NewMemoryStore();
  std::unique_ptr<ClusterDelivery> delivery_;
  std::unique_ptr<LiveTask> task_;
  int64_t now_ms_ = 0;
};

TEST_F(LiveTaskTest, CommitsAtOnceButNotTooOften) {
  ASSERT_TRUE(Start().ok());
  EXPECT_FALSE(Step().committed) << "nothing is there";
  for (size_t s : {0, 1}) Append(s, "a", kT);
  StepAll();
  EXPECT_THAT(cluster_.messages, SizeIs(0)) << "at the watermark nothing is released";
  cluster_.journal.clear();
  now_ms_ += 1000;
  for (size_t s : {0, 1}) Append(s, "a", kT + 10);
  StepAll();
  EXPECT_THAT(cluster_.journal, SizeIs(1)) << "at once";
  for (size_t s : {0, 1}) Append(s, "a", kT + 20);
  StepAll();
  EXPECT_THAT(cluster_.journal, SizeIs(1)) << "but not within output_spacing";
  Step(99);
  EXPECT_THAT(cluster_.journal, SizeIs(1));
  Step(1);
  EXPECT_THAT(cluster_.journal, SizeIs(2));
  Step(500);
  EXPECT_THAT(cluster_.journal, SizeIs(2)) << "nothing new, no epoch";
  ASSERT_THAT(cluster_.messages, SizeIs(8));
  EXPECT_EQ(cluster_.messages[0].key, "a");
  EXPECT_THAT(cluster_.messages[1].value, HasSubstr("\"seq\":0}"));
  EXPECT_THAT(cluster_.messages[7].value, HasSubstr("\"seq\":3}"));
  ASSERT_THAT(cluster_.offsets.back(), SizeIs(2));
  EXPECT_EQ(cluster_.offsets.back()[1].source, 1);
  EXPECT_EQ(cluster_.offsets.back()[1].next_offset, 2) << "the newest record still waits";
}

TEST_F(LiveTaskTest, WritesTheStateAfterCommitsOnly) {
  options_.quiet_state_interval = 0;
  ASSERT_TRUE(Start().ok());
  for (size_t s : {0, 1}) {
    Append(s, "a", kT);
    Append(s, "a", kT + 10);
  }
  options_.quiet_state_interval = 0;
  StepAll();
  EXPECT_EQ(task_->state_epoch(), 1);
  for (size_t s : {0, 1}) Append(s, "b", kT + 20);
  StepAll();
  EXPECT_EQ(task_->progress().epoch, 1) << "within output_spacing";
  EXPECT_EQ(task_->state_epoch(), 1);
  EXPECT_THAT(*store_->ReadProgress(), HasSubstr("epoch 1 "));
}

TEST_F(LiveTaskTest, ALogThatIsAnotherOneIsNoticed) {
  options_.batch_records = 1;
  FinishSome();
  ASSERT_EQ(task_->progress().logs[0].low_offset, 1) << "at the watermark nothing is released";
  ASSERT_EQ(task_->progress().logs[0].anchor->offset, 1);
  const auto step_twice = [this] {
    EXPECT_TRUE(Start().ok());
    const absl::Status first = task_->Step(kT, 0).status();
    return first.ok() ? task_->Step(kT, 0).status() : first;
  };
  EXPECT_TRUE(step_twice().ok());
  const Partition as_it_was = partitions_[0];
  partitions_[0].entries[1].record.time += 1;
  const absl::Status status = step_twice();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("at offset 1 stands another record"));
  partitions_[0] = as_it_was;
  EXPECT_TRUE(step_twice().ok());
}

TEST_F(LiveTaskTest, LowOffsetsNeverGoBack) {
  options_.batch_records = 1;
  FinishSome();
  ASSERT_EQ(task_->progress().logs[0].low_offset, 1);
  // Another owner, without the state, reads both records at once.
  store_ = NewMemoryStore();
  options_.batch_records = 10;
  ASSERT_TRUE(Start().ok());
  StepAll();
  ASSERT_FALSE(task_->recovering());
  EXPECT_EQ(task_->progress().logs[0].low_offset, 1);
  EXPECT_EQ(task_->progress().logs[0].anchor->offset, 1);
  for (size_t s : {0, 1}) Append(s, "b", kT + 20);
  StepAll();
  ASSERT_TRUE(task_->Finish().ok());
  EXPECT_EQ(task_->progress().epoch, 3);
  EXPECT_EQ(task_->progress().logs[0].low_offset, 2);
}

TEST_F(LiveTaskTest, WhatIsDoneMayBeGone) {
  options_.batch_records = 1;
  schemas_[0].time.idle_after = schemas_[1].time.idle_after = 0;
  FinishSome();
  Step(10'000);  // time goes on by the wall clock: all is done
  ASSERT_TRUE(task_->Finish().ok());
  ASSERT_EQ(task_->progress().logs[0].low_offset, 2);
  ASSERT_EQ(task_->progress().logs[0].anchor->offset, 1);
  partitions_[0].entries.clear();
  partitions_[0].begin = 2;
  Append(0, "b", kT + 20'000);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Step().records, 1u);
}

TEST_F(LiveTaskTest, WhatIsDoneMayGoWhileTheTaskStarts) {
  options_.batch_records = 1;
  schemas_[0].time.idle_after = schemas_[1].time.idle_after = 0;
  FinishSome();
  Step(10'000);
  ASSERT_TRUE(task_->Finish().ok());
  ASSERT_EQ(task_->progress().logs[0].anchor->offset, 1);
  Append(0, "b", kT + 20'000);
  ASSERT_TRUE(Start().ok());
  partitions_[0].begin = 2;
  EXPECT_EQ(task_->Step(kT, 0).status().code(), absl::StatusCode::kUnavailable) << "the next attempt goes well";
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Step().records, 1u);
  ASSERT_TRUE(Start().ok());
  partitions_[0].begin = 3;
  EXPECT_EQ(task_->Step(kT, 0).status().code(), absl::StatusCode::kOutOfRange) << "a record that is needed is gone";
}

// Between the record that was read last and the offset where reading goes on there may be markers.
TEST_F(LiveTaskTest, WhatIsDoneMayGoWhenTheTaskHasJustStarted) {
  options_.batch_records = 1;
  schemas_[0].time.idle_after = schemas_[1].time.idle_after = 0;
  FinishSome();
  partitions_[0].end = 4;
  Step(10'000);
  Step(10'000);
  ASSERT_TRUE(task_->Finish().ok());
  ASSERT_EQ(task_->progress().logs[0].anchor->offset, 1);
  ASSERT_EQ(task_->progress().logs[0].low_offset, 4);
  ASSERT_TRUE(Start().ok());
  Step();
  ASSERT_EQ(task_->intake().inputs()[0].live_log().position(), 2) << "the record that was read last is there";
  partitions_[0].begin = 4;
  EXPECT_EQ(task_->Step(kT, 0).status().code(), absl::StatusCode::kUnavailable) << "the next attempt goes well";
  Append(0, "b", kT + 30'000);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Step().records, 1u);
}

TEST_F(LiveTaskTest, AnIdleLogNoLongerHoldsTheWatermark) {
  ASSERT_TRUE(Start().ok());
  Append(0, "a", kT);
  Append(0, "a", kT + 500);
  StepAll();
  EXPECT_EQ(task_->intake().watermark(), kBeforeTime) << "bills has never had a record";
  EXPECT_EQ(task_->intake().Holder().schema().name, "bills");
  Append(0, "a", kT + 600);
  StepAll();
  Step(999);
  EXPECT_EQ(task_->intake().watermark(), kBeforeTime);
  Append(0, "a", kT + 700);
  Step(1);
  EXPECT_EQ(task_->intake().watermark(), kT + 700) << "as far as calls stands, which isn't idle";
  const absl::StatusOr<JournalRecord> record = DecodeJournalRecord(cluster_.journal.back());
  ASSERT_THAT(record->logs[1].floors, SizeIs(1));
  EXPECT_EQ(record->logs[1].floors[0].from_offset, 0);
  EXPECT_EQ(record->logs[1].floors[0].newest, kT + 700);
  EXPECT_THAT(record->logs[0].floors, SizeIs(0));
  EXPECT_EQ(record->wall_ms, 0);
  Append(1, "b", kT + 650);
  StepAll();
  Step(100);
  EXPECT_EQ(task_->task().rows().size(), 1u) << "late: it stands at 700, where the watermark is";
}

TEST_F(LiveTaskTest, WhenAllAreIdleTimeGoesOnByTheWallClock) {
  ASSERT_TRUE(Start().ok());
  AppendAt(0, "a", kT - 300, kT);
  StepAll();
  Step(1000);
  EXPECT_EQ(task_->intake().watermark(), kT - 300) << "a lag of 300 and idle_after behind the wall clock";
  Step(100);
  EXPECT_EQ(task_->intake().watermark(), kT - 200);
  EXPECT_THAT(cluster_.messages, SizeIs(2)) << "the record, and its alert";
  EXPECT_EQ(DecodeJournalRecord(cluster_.journal.back())->wall_ms, kT + 1100);
  Step(5000);
  EXPECT_EQ(task_->intake().watermark(), kT + 4800);
  EXPECT_TRUE(task_->Step(kT + kDay, now_ms_ + 1).ok());
  EXPECT_EQ(task_->intake().watermark(), kT + 4801) << "a wall clock that is set changes nothing";
}

TEST_F(LiveTaskTest, TimeOfThePastDoesNotJumpToThePresent) {
  ASSERT_TRUE(Start().ok());
  AppendAt(0, "a", kT - 400 * kDay, kT);
  StepAll();
  Step(1000);
  Step(60'000);
  EXPECT_EQ(task_->intake().watermark(), kT - 400 * kDay + 60'000);
}

TEST_F(LiveTaskTest, ALogOfGarbageDoesNotWaitForEver) {
  options_.max_untimed_records = 10;
  ASSERT_TRUE(Start().ok());
  Append(0, "a", kT);
  Append(0, "a", kT + 10);
  for (int i = 0; i < 11; ++i) AppendGarbage(1);
  StepAll();
  EXPECT_EQ(task_->intake().watermark(), kT + 10);
  Step(1000);
  EXPECT_EQ(task_->progress().ledger[1].second.quarantined_total(), 11);
}

TEST_F(LiveTaskTest, ASkippedRecordGoesToTheQuarantine) {
  options_.skip = {{0, 1}};
  MakeState();
  EXPECT_EQ(task_->progress().ledger[0].second.quarantined[static_cast<int>(Reason::kSkipped)], 0) << "it waits";
  options_.skip.clear();
  AddEpoch();
  EXPECT_EQ(task_->progress().ledger[0].second.quarantined[static_cast<int>(Reason::kSkipped)], 1)
      << "the journal repeats the decision";
}

TEST_F(LiveTaskTest, EpochsAreDoneAgain) {
  MakeState();
  AddEpoch();
  const uint64_t digest = *task_->StateDigest();
  const size_t messages = cluster_.messages.size();
  for (bool with_state : {true, false}) {
    if (!with_state) store_ = NewMemoryStore();
    ASSERT_TRUE(Start().ok());
    EXPECT_TRUE(task_->recovering());
    EXPECT_EQ(task_->epochs_left(), with_state ? 1u : 2u);
    while (task_->recovering()) EXPECT_FALSE(Step().committed);
    EXPECT_EQ(*task_->StateDigest(), digest);
    EXPECT_EQ(task_->progress().epoch, 2);
  }
  EXPECT_EQ(cluster_.messages.size(), messages) << "nothing is sent twice";
}

TEST_F(LiveTaskTest, AnEpochThatComesOutDifferentlyStopsTheTask) {
  MakeState();
  AddEpoch();
  partitions_[0].entries[1].record.value = 70;
  ASSERT_TRUE(Start().ok());
  absl::Status status;
  for (int i = 0; i < 5 && status.ok(); ++i) status = task_->Step(kT, now_ms_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("epoch 2, done again, gives another result: digest "));
  EXPECT_FALSE(task_->Step(kT, now_ms_).ok()) << "and it stays stopped";
}

TEST_F(LiveTaskTest, WhatDoesNotFitIsRefused) {
  MakeState();
  AddEpoch();
  const std::vector<std::string> journal = cluster_.journal;
  using enum absl::StatusCode;
  fingerprint_ = "g";
  ExpectRefused(kFailedPrecondition, "fingerprint f, now g");
  std::unique_ptr<StateStore> state = std::move(store_);
  store_ = NewMemoryStore();
  ExpectRefused(kFailedPrecondition, "epoch 1 was done by another version");
  fingerprint_ = "f";
  pipeline_ = "q";
  ExpectRefused(kFailedPrecondition, "the journal belongs to task 0 of pipeline 'p'");
  pipeline_ = "p";
  options_.task = 1;
  ExpectRefused(kFailedPrecondition, "this is task 1");
  cluster_.journal = {};
  store_ = std::move(state);
  ExpectRefused(kFailedPrecondition, "the state belongs to task 0, this is task 1");
  options_.task = 0;
  ExpectRefused(kFailedPrecondition, "the state is ahead of what was committed");
  cluster_.journal = {journal[0], "nonsense"};
  ExpectRefused(kDataLoss, "a record of the journal is damaged");
  cluster_.journal = {journal[0], journal[0]};
  ExpectRefused(kDataLoss, "goes from epoch 1 to epoch 1");
  JournalRecord other = *DecodeJournalRecord(journal[0]);
  other.digest ^= 1;
  cluster_.journal = {EncodeJournalRecord(0, &other), journal[1]};
  ExpectRefused(kFailedPrecondition, "of different histories");
  other = *DecodeJournalRecord(journal[1]);
  cluster_.journal = {journal[0], EncodeJournalRecord(7, &other)};
  ExpectRefused(kDataLoss, "doesn't hold together at epoch 2");
  cluster_.journal = journal;
  EXPECT_TRUE(Start().ok());
}

TEST_F(LiveTaskTest, AJournalThatDoesNotReachBackIsRefused) {
  MakeState();
  AddEpoch();
  const absl::StatusOr<JournalRecord> second = DecodeJournalRecord(cluster_.journal[1]);
  const std::vector<JournalRecord> records = {*second};
  TaskIdentity identity{"p", "f", 0};
  const std::vector<std::string> tail = {cluster_.journal[1]};
  absl::Status status = CheckJournal(identity, std::nullopt, tail).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("doesn't reach back to epoch 1: restore a snapshot"));
  Progress state = task_->progress();
  state.epoch = 1;
  status = CheckJournal(identity, state, tail).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("the journal begins at epoch 2, the state stands at epoch 1"));
}

TEST_F(LiveTaskTest, RecordsThatAreGoneAreNoticed) {
  MakeState();
  AddEpoch();
  partitions_[0].begin = 5;
  ExpectRefused(absl::StatusCode::kOutOfRange, "offset 0 is gone");
  partitions_[0].begin = 0;
  partitions_[1].name = "other-0";
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                "source 'bills' reads other-0, but the state was made from bills-0");
  partitions_[1].name = "bills-0";
  partitions_[1].entries.resize(1);
  partitions_[1].end = 1;
  ASSERT_TRUE(Start().ok());
  absl::Status status;
  for (int i = 0; i < 200 && status.ok(); ++i) status = task_->Step(kT, now_ms_ += 100).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("bills-0 ends at offset 1, but the committed epochs have read more"));
}

TEST_F(LiveTaskTest, AFencedOwnerCommitsNothing) {
  MakeState();
  ASSERT_TRUE(Start().ok());
  ++cluster_.owners;
  for (size_t s : {0, 1}) Append(s, "b", kT + 20);
  absl::Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) status = task_->Step(kT, now_ms_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(task_->Finish().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(cluster_.journal, SizeIs(1));
}

}  // namespace
}  // namespace ebb
