// What a job refuses, and what an intake notices before any harm is done. That results depend on the logs alone is
// shown by tests/property/order_property_test.cc.
#include "engine/task/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/property/memory_log.h"

namespace ebb {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr TimeMs kT = 1'700'000'000'000;

class CountingOperator : public Operator {
 public:
  Effect OnRecord(const Record&, RowRef* row, Outputs* outputs) override {
    ++row->cells()[0];
    outputs->Emit(Stream::kAlerts, "{\"n\":" + std::to_string(row->cells()[0]));
    ++counters_[0];
    return Effect::kUsed;
  }
  void OnTimer(TimeMs, RowRef* row, Outputs*) override { (*row)->next_timer = kAfterTime; }
  void Prefetch(const Record&, const RowRef&) const override {}
  std::vector<std::string> CounterNames() const override { return {"records"}; }
  const std::vector<int64_t>& counters() const override { return counters_; }

 private:
  std::vector<int64_t> counters_ = {0};
};

// Decodes nothing: times are out of range, and would be plausible as seconds.
class WrongUnitDecoder : public Decoder {
 public:
  explicit WrongUnitDecoder(const char* guess) : guess_(guess) {}
  Reason Decode(std::string_view, RecordBuilder* out) override {
    out->unit_guess = guess_;
    return Reason::kTimeOutOfRange;
  }

 private:
  const char* guess_;
};

std::vector<MemoryRecord> Records(int count) {
  std::vector<MemoryRecord> records(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    records[static_cast<size_t>(i)].key[0] = static_cast<char>('a' + i % 3);
    records[static_cast<size_t>(i)].time = kT + i;
  }
  return records;
}

class JobTest : public ::testing::Test {
 protected:
  JobTest() {
    schema_.name = "calls";
    schema_.fields.resize(1);
    RowLayoutBuilder layout;
    layout.AddCells("n", 1);
    parts_.pipeline = "p";
    parts_.fingerprint = "f1";
    parts_.layout = layout.Build();
    parts_.make_operator = [] { return std::make_unique<CountingOperator>(); };
    parts_.store = store_.get();
    options_.batch_records = 10;
    options_.commit_interval = kDay;
  }

  // One log for each name, all with the same records.
  std::unique_ptr<Job> NewJob(const std::vector<std::string>& logs = {"a"},
                              std::unique_ptr<Decoder> decoder = nullptr) {
    SourceInput source{&schema_, {}};
    for (const std::string& name : logs) {
      if (decoder == nullptr) decoder = std::make_unique<MemoryDecoder>();
      source.logs.push_back({std::make_unique<MemoryLog>(name, &records_), std::move(decoder)});
    }
    std::vector<SourceInput> sources;
    sources.push_back(std::move(source));
    auto job = std::make_unique<Job>(options_, parts_, std::move(sources));
    job->SetSinks({&alerts_, nullptr, nullptr, nullptr});
    return job;
  }
  absl::Status RunToEnd(Job* job) {
    for (;;) {
      absl::StatusOr<bool> ended = job->Step();
      if (!ended.ok()) return ended.status();
      if (*ended) return absl::OkStatus();
    }
  }
  absl::Status Resume(Job* job) { return job->Start(*ReadProgress(store_.get())); }

  std::vector<MemoryRecord> records_ = Records(25);
  std::unique_ptr<StateStore> store_ = NewMemoryStore();
  MemorySink alerts_;
  SourceSchema schema_;
  JobOptions options_;
  JobParts parts_;
};

TEST_F(JobTest, RunsToTheEndAndHasNothingLeftToDo) {
  ASSERT_FALSE(ReadProgress(store_.get())->has_value());
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(RunToEnd(job.get()).ok());
  EXPECT_TRUE(job->progress().finished);
  EXPECT_EQ(job->progress().cursor, kT + 25);
  EXPECT_EQ(job->progress().outputs[0].lines, 25);
  EXPECT_EQ(job->progress().outputs[0].bytes, alerts_.bytes());
  EXPECT_THAT(
      alerts_.text(),
      StartsWith(
          "{\"n\":1,\"task\":0,\"seq\":0}\n{\"n\":1,\"task\":0,\"seq\":1}\n{\"n\":1,\"task\":0,\"seq\":2}\n{\"n\":2,"));
  const std::string text = alerts_.text();
  const uint64_t digest = *job->StateDigest();
  std::unique_ptr<Job> again = NewJob();
  ASSERT_TRUE(Resume(again.get()).ok());
  ASSERT_TRUE(RunToEnd(again.get()).ok());
  EXPECT_EQ(alerts_.text(), text);
  EXPECT_EQ(*again->StateDigest(), digest);
  EXPECT_EQ(again->progress().chain, job->progress().chain);
  EXPECT_EQ(again->progress().counters[0].second, 25);
}

TEST_F(JobTest, ManyLinesGoOutAheadOfTheirCommitAndAreCutOffWithoutIt) {
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(RunToEnd(job.get()).ok());
  const std::string text = alerts_.text();
  const uint64_t chain = job->progress().chain;
  for (const int tasks : {1, 3}) {
    alerts_ = MemorySink();
    store_ = NewMemoryStore();
    parts_.store = store_.get();
    options_.tasks = tasks;
    options_.max_waiting_output_bytes = 1;
    std::unique_ptr<Job> killed = NewJob();
    ASSERT_FALSE(*killed->Step());
    ASSERT_TRUE(killed->Commit().ok());
    const int64_t committed = killed->progress().outputs[0].bytes;
    ASSERT_FALSE(*killed->Step());
    EXPECT_EQ(killed->progress().outputs[0].bytes, committed);
    EXPECT_TRUE(tasks > 1 || alerts_.bytes() > committed);
    killed.reset();
    alerts_.CutTo(committed);
    std::unique_ptr<Job> again = NewJob();
    ASSERT_TRUE(Resume(again.get()).ok());
    ASSERT_TRUE(RunToEnd(again.get()).ok());
    EXPECT_EQ(alerts_.text(), text);
    EXPECT_EQ(again->progress().chain, chain);
    EXPECT_EQ(again->progress().outputs[0].bytes, alerts_.bytes());
  }
}

// A store whose rows can't be read any more.
class UnreadableStore : public StateStore {
 public:
  absl::StatusOr<std::string> ReadProgress() override { return store_->ReadProgress(); }
  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override {
    if (broken) return absl::DataLossError("the disk is gone");
    return store_->ReadRows(keys);
  }
  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override {
    if (broken) return absl::DataLossError("the disk is gone");
    return store_->ScanRows(visit);
  }
  absl::Status Commit(const StateBatch& batch) override { return store_->Commit(batch); }
  absl::Status Sync() override { return store_->Sync(); }

  bool broken = false;

 private:
  const std::unique_ptr<StateStore> store_ = NewMemoryStore();
};

// With a byte of memory every batch is committed, and all rows leave.
TEST_F(JobTest, RowsThatLeaveMemoryComeBack) {
  ASSERT_TRUE(RunToEnd(NewJob().get()).ok());
  const std::string expected = alerts_.text();
  const auto end_of = [this](Job* job) { return job->Start(std::nullopt).ok() ? RunToEnd(job) : absl::OkStatus(); };
  for (int tasks : {1, 3}) {
    alerts_ = MemorySink();
    UnreadableStore store;
    options_.tasks = tasks;
    options_.memory_bytes = 16;
    parts_.store = &store;
    std::unique_ptr<Job> job = NewJob();
    ASSERT_TRUE(end_of(job.get()).ok());
    if (tasks == 1) {
      EXPECT_EQ(job->progress().epoch, 3) << "ten records at once";
    }
    EXPECT_EQ(alerts_.text(), expected);
    int64_t sum = 0;
    ASSERT_TRUE(job->ForEachRow([&](RowRef row) { sum += row.cells()[0]; }).ok());
    EXPECT_EQ(sum, 25);
    EXPECT_EQ(job->customers(), 3);
  }
}

TEST_F(JobTest, ARowThatCantBeReadEndsTheJobBeforeAnythingIsCommitted) {
  UnreadableStore store;
  options_.memory_bytes = 16;
  parts_.store = &store;
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(job->Step().ok());
  const std::string alerts = alerts_.text();
  const int64_t epoch = job->progress().epoch;
  store.broken = true;
  EXPECT_EQ(RunToEnd(job.get()).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(job->StateDigest().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(job->progress().epoch, epoch);
  EXPECT_EQ(alerts_.text(), alerts);
}

// Meetings every 7 ms from kT, in which each row writes a line.
class MeetingTest : public JobTest {
 protected:
  MeetingTest() {
    parts_.meeting.next = [](TimeMs time) { return time <= kT ? kT : kT + (time - kT + 6) / 7 * 7; };
    parts_.meeting.hold = [this](TimeMs at, const std::vector<Task*>& tasks) {
      held_.push_back(at - kT);
      int64_t done = 0;
      for (Task* task : tasks) {
        EXPECT_GE(task->next_instant(), at) << "something below the meeting is still to be done";
        for (uint32_t i = 0; i < task->rows().size(); ++i) {
          done += task->rows().at(i).cells()[0];
          const char name = task->rows().at(i).key()[0];
          task->AtMeeting(at - 1, task->rows().at(i).key(), name, [&](RowRef*, Outputs* outputs) {
            outputs->Emit(Stream::kAlerts, std::string("{\"met\":\"") + name + "\"");
          });
        }
      }
      EXPECT_EQ(done, at - kT) << "one record each millisecond";
      return absl::OkStatus();
    };
  }

  std::vector<TimeMs> held_;
};

TEST_F(MeetingTest, AllTasksHaveDoneWhatLiesBelowIt) {
  std::string text;
  for (int tasks : {1, 2, 3}) {
    for (size_t batch : {1, 4, 100}) {
      options_.tasks = tasks;
      options_.batch_records = batch;
      held_.clear();
      alerts_ = MemorySink();
      parts_.store = nullptr;
      std::unique_ptr<Job> job = NewJob();
      ASSERT_TRUE(job->Start(std::nullopt).ok());
      ASSERT_TRUE(RunToEnd(job.get()).ok());
      EXPECT_THAT(held_, testing::ElementsAre(7, 14, 21)) << tasks << " tasks, batches of " << batch;
      if (text.empty()) text = alerts_.text();
      EXPECT_EQ(alerts_.text(), text);
    }
  }
  EXPECT_THAT(
      text,
      testing::HasSubstr(
          "{\"n\":3,\"task\":0,\"seq\":6}\n{\"met\":\"a\",\"task\":0,\"seq\":7}\n{\"met\":\"b\",\"task\":0,\"seq\":8}\n"
          "{\"met\":\"c\",\"task\":0,\"seq\":9}\n{\"n\":3,\"task\":0,\"seq\":10}\n"))
      << "behind all of its millisecond";
}

TEST_F(MeetingTest, AJobThatGoesOnHoldsThoseThatAreToCome) {
  options_.batch_records = 1;
  for (int steps = 1;; ++steps) {
    std::unique_ptr<Job> job = NewJob();
    const absl::StatusOr<std::optional<Progress>> progress = ReadProgress(store_.get());
    ASSERT_TRUE(progress.ok());
    ASSERT_TRUE(job->Start(*progress).ok());
    bool ended = false;
    for (int i = 0; i < steps && !ended; ++i) ended = *job->Step();
    ASSERT_TRUE(job->Commit().ok());
    if (ended) break;
  }
  EXPECT_THAT(held_, testing::ElementsAre(7, 14, 21));
}

TEST_F(JobTest, ResumingWithSomethingElseIsRefused) {
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(job->Step().ok());
  ASSERT_TRUE(job->Commit().ok());
  struct Case {
    std::string pipeline, fingerprint;
    std::vector<std::string> logs;
    const char* says;
  };
  for (const Case& c : std::initializer_list<Case>{{"q", "f1", {"a"}, "pipeline 'p'"},
                                                   {"p", "f2", {"a"}, "fingerprint f1, now f2"},
                                                   {"p", "f1", {"b"}, "is not the file"},
                                                   {"p", "f1", {"a", "b"}, "from 1 input files"}}) {
    parts_.pipeline = c.pipeline;
    parts_.fingerprint = c.fingerprint;
    const absl::Status status = Resume(NewJob(c.logs).get());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << c.says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.says));
  }
}

TEST_F(JobTest, ARecordThatIsGoneIsNoticed) {
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(job->Step().ok());
  ASSERT_TRUE(job->Commit().ok());
  records_.resize(5);
  EXPECT_EQ(Resume(NewJob().get()).code(), absl::StatusCode::kOutOfRange);
}

TEST_F(JobTest, ADamagedRowEndsTheStart) {
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(job->Step().ok());
  ASSERT_TRUE(job->Commit().ok());
  StateBatch batch;
  batch.rows = {{"b", "nonsense"}};
  batch.progress = *store_->ReadProgress();
  ASSERT_TRUE(store_->Commit(batch).ok());
  const absl::Status status = Resume(NewJob().get());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'b'"));
}

TEST_F(JobTest, WrongTimeUnitsAreRefusedWithTheRightOne) {
  schema_.time.unit = TimeUnit::kMillis;
  for (const char* guess : {"s", ""}) {
    for (int count : {25, 1000}) {
      records_ = Records(count);
      std::unique_ptr<Job> job = NewJob({"a"}, std::make_unique<WrongUnitDecoder>(guess));
      ASSERT_TRUE(job->Start(std::nullopt).ok());
      const absl::Status status = RunToEnd(job.get());
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      const std::string message(status.message());
      EXPECT_THAT(message, HasSubstr("`unit: ms`"));
      EXPECT_EQ(message.find("they look like `unit: s`") != std::string::npos, *guess == 's') << message;
      EXPECT_LE(job->intake().records_read(), 100) << "soon enough";
    }
  }
}

TEST_F(JobTest, OneUsableTimeIsEnough) {
  for (MemoryRecord& record : records_) record.reason = Reason::kTimeOutOfRange;
  records_[3].reason = Reason::kNone;
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  EXPECT_TRUE(RunToEnd(job.get()).ok());
  EXPECT_EQ(job->progress().ledger[0].second.used, 1);
  EXPECT_EQ(job->progress().ledger[0].second.quarantined[static_cast<int>(Reason::kTimeOutOfRange)], 24);
}

TEST_F(JobTest, TimeGoesOnToTheEndOfTheRange) {
  options_.range.from = kT + 5;
  options_.range.to = kT + 100;
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(RunToEnd(job.get()).ok());
  EXPECT_EQ(job->progress().cursor, kT + 101);
  EXPECT_EQ(job->progress().ledger[0].second.filtered, 5);
  EXPECT_EQ(job->progress().ledger[0].second.used, 20);
}

TEST_F(JobTest, CommitsBeforeMemoryRunsOut) {
  options_.max_uncommitted_bytes = 1;
  std::unique_ptr<Job> job = NewJob();
  ASSERT_TRUE(job->Start(std::nullopt).ok());
  ASSERT_TRUE(RunToEnd(job.get()).ok());
  EXPECT_EQ(job->progress().epoch, 3) << "one for each batch of ten";
}

}  // namespace
}  // namespace ebb
