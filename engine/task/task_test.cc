// A task step by step: records and timers in one order, timers that move, rows loaded again, ledger and quarantine.
// And the worker around it.
#include "engine/task/task.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/task/worker.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Writes what it sees. A record's slot 0 says how long after it its timer stands (0: no timer).
class EchoOperator : public Operator {
 public:
  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    (*row)->next_timer = record.slots()[0] == 0 ? kAfterTime : record.effective + record.slots()[0];
    ++row->cells()[0];
    outputs->Emit(Stream::kScores, fmt::format("{} record {}", record.effective, row->key()));
    return Effect::kUsed;
  }
  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    (*row)->next_timer = kAfterTime;
    outputs->Emit(Stream::kScores, fmt::format("{} timer {} after {}", now, row->key(), row->cells()[0]));
  }
  void Prefetch(const Record&, const RowRef&) const override {}
  std::vector<std::string> CounterNames() const override { return {}; }
  const std::vector<int64_t>& counters() const override { return counters_; }

 private:
  std::vector<int64_t> counters_;
};

RowLayout OneCell() {
  RowLayoutBuilder layout;
  layout.AddCells("records", 1);
  return layout.Build();
}

class TaskTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Task> NewTask(StateStore* store = nullptr) {
    static const LogNames kNames{{"calls", "bills"}, {{"a.json"}, {"b.csv", "c\"d.csv"}}};
    return std::make_unique<Task>(std::make_unique<EchoOperator>(), OneCell(), &kNames, store);
  }

  // A record at `time` whose timer stands `timer_after` later.
  void Add(TimeMs time, std::string_view key, int64_t timer_after = 0) {
    MadeRecord record(key, time, {timer_after});
    record->offset = next_offset_++;
    record.AddTo(&batch_);
  }
  std::vector<std::string> Step(TimeMs watermark) {
    task_->Step(std::move(batch_), watermark);
    batch_ = RecordBatch();
    std::vector<std::string> lines;
    for (const Outputs::Line& line : task_->outputs().lines()) lines.emplace_back(task_->outputs().text(line));
    task_->outputs().Clear();
    return lines;
  }

  std::unique_ptr<Task> task_ = NewTask();
  RecordBatch batch_;
  int64_t next_offset_ = 0;
};

TEST_F(TaskTest, TimersFireAfterRecordsOfTheSameTime) {
  Add(10, "a", 10);
  Add(20, "b");
  Add(20, "a");
  EXPECT_THAT(Step(21), ElementsAre("10 record a", "20 record b", "20 record a")) << "a's record took the timer away";
  Add(30, "a", 10);
  Add(40, "b");
  EXPECT_THAT(Step(41), ElementsAre("30 record a", "40 record b", "40 timer a after 3"));
}

TEST_F(TaskTest, TimersFireBetweenRecordsAndStrictlyBelowTheWatermark) {
  Add(10, "a", 5);
  Add(16, "b");
  Add(17, "b", 3);
  EXPECT_THAT(Step(20), ElementsAre("10 record a", "15 timer a after 1", "16 record b", "17 record b"));
  EXPECT_THAT(Step(20), IsEmpty());
  EXPECT_THAT(Step(21), ElementsAre("20 timer b after 2"));
}

TEST_F(TaskTest, ATimerThatMovesFiresOnce) {
  Add(10, "a", 5);
  Add(12, "a", 100);
  EXPECT_THAT(Step(100), SizeIs(2)) << "moved later";
  Add(105, "a", 3);
  EXPECT_THAT(Step(200), ElementsAre("105 record a", "108 timer a after 3")) << "moved earlier";
  EXPECT_THAT(Step(1000), IsEmpty());
}

TEST_F(TaskTest, RowsLoadedAgainKeepTheirTimers) {
  Add(10, "a", 50);
  Add(11, "b");
  Step(12);
  ASSERT_THAT(task_->rows().changed(), SizeIs(2));
  EXPECT_GT(task_->uncommitted_bytes().total(), 0u);
  std::unique_ptr<Task> loaded = NewTask();
  for (std::string_view key : {"a", "b"}) {
    std::string bytes;
    EncodeRow(task_->rows().Find(HashKey(key), key), &bytes);
    ASSERT_TRUE(loaded->LoadRow(key, bytes).ok());
  }
  EXPECT_THAT(loaded->rows().changed(), IsEmpty()) << "what is loaded is committed already";
  task_ = std::move(loaded);
  EXPECT_THAT(Step(61), ElementsAre("60 timer a after 1"));
  EXPECT_THAT(task_->rows().changed(), SizeIs(1));
}

TEST_F(TaskTest, ADamagedRowIsNamed) {
  const absl::Status status = task_->LoadRow("c_7", "nonsense");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("c_7"));
}

TEST_F(TaskTest, EveryFateIsCountedWhereItIsReleased) {
  const auto add = [this](Fate fate, Reason reason, bool late, TimeMs time) {
    MadeRecord record("k", time, {0});
    record->fate = fate;
    record->reason = reason;
    record->late = late;
    record->source = 1;
    record->log = 1;
    record->offset = next_offset_++;
    record.AddTo(&batch_);
  };
  add(Fate::kUse, Reason::kNone, false, 1);
  add(Fate::kUse, Reason::kNone, true, 1);
  add(Fate::kFilter, Reason::kNone, true, 1);
  add(Fate::kTombstone, Reason::kNone, false, 1);
  add(Fate::kQuarantine, Reason::kLate, true, 2);
  EXPECT_THAT(Step(2), SizeIs(3));
  EXPECT_EQ(task_->ledger()[1].read(), 4);
  EXPECT_EQ(task_->ledger()[1].used, 1);
  EXPECT_EQ(task_->ledger()[1].late, 1);
  EXPECT_EQ(task_->ledger()[1].filtered, 1);
  EXPECT_EQ(task_->ledger()[1].tombstone, 1);
  EXPECT_THAT(Step(3), SizeIs(1));
  EXPECT_EQ(task_->ledger()[1].quarantined[static_cast<int>(Reason::kLate)], 1);
  EXPECT_EQ(task_->ledger()[0].read(), 0);
  EXPECT_EQ(task_->rows().size(), 1u) << "only used records make rows";
}

TEST_F(TaskTest, QuarantineLines) {
  const auto quarantine = [this](std::string_view payload) {
    Record header{};
    header.effective = 5;
    header.source = 1;
    header.log = 1;
    header.offset = 3;
    header.fate = Fate::kQuarantine;
    header.reason = Reason::kBadKey;
    header.payload_bytes = static_cast<uint32_t>(payload.size());
    Record* record = batch_.Add(header.bytes());
    *record = header;
    std::memcpy(const_cast<char*>(record->tail()), payload.data(), payload.size());
    return Step(6).at(0);
  };
  const std::string start = R"({"source":"bills","log":"c\"d.csv","offset":3,"reason":"bad_key","text":")" +
                            std::string(ReasonText(Reason::kBadKey)) + "\",";
  EXPECT_EQ(quarantine("{\"k\": 1}"), start + R"("payload":"{\"k\": 1}"})");
  EXPECT_EQ(quarantine("\xFF\x01"), start + R"("payload_base64":"/wE="})");
}

// Many customers, so that rows move and are fetched ahead while timers fire between.
TEST_F(TaskTest, ManyCustomersInOneStep) {
  for (int i = 0; i < 5000; ++i) Add(i, fmt::format("c{}", i % 700), 1 + i % 3 * 500);
  EXPECT_GT(Step(10'000).size(), 5000u);
  EXPECT_EQ(task_->rows().size(), 700u);
  for (int c = 0; c < 700; ++c) {
    const std::string key = fmt::format("c{}", c);
    RowRef row = task_->rows().Find(HashKey(key), key);
    ASSERT_TRUE(row.valid());
    EXPECT_EQ(row.cells()[0], 5000 / 700 + (c < 5000 % 700));
  }
}

// With four bytes of memory all rows leave at each write. Customers come and go, timers move to and fro.
TEST_F(TaskTest, CustomersWhoAreAwayAreDoneAsAllOthers) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    std::vector<std::string> texts[2];
    for (const bool away : {false, true}) {
      Random random(seed);
      const std::unique_ptr<StateStore> store = NewMemoryStore();
      task_ = NewTask(store.get());
      if (away) task_->LimitMemory(4);
      TimeMs now = 0;
      for (int step = 0; step < 120; ++step) {
        for (uint64_t left = random.Below(40); left > 0; --left) {
          now += random.Below(4);
          Add(now, fmt::format("c{}", random.Below(300)), random.Chance(0.2) ? 0 : 1 + random.Below(400));
        }
        if (random.Chance(0.1)) now += 300;
        std::vector<std::string> lines = Step(now);
        // Timers of the same time: their order is that of the outputs, not of the steps.
        std::sort(lines.begin(), lines.end());
        texts[away].insert(texts[away].end(), lines.begin(), lines.end());
        const bool write = random.Chance(0.3);
        if (!write) continue;
        task_->EncodeChanged();
        ASSERT_TRUE(WriteState({&task_->encoded()}, {}, store.get()).ok());
        task_->AfterWrite();
        ASSERT_EQ(task_->rows().size(), away ? 0 : task_->customers());
      }
      ASSERT_TRUE(task_->failed().ok()) << task_->failed();
      texts[away].push_back(fmt::format("{} customers", task_->customers()));
      int64_t sum = 0;
      ASSERT_TRUE(LookAtRows({task_.get()}, [&](RowRef row) { sum += row.cells()[0]++ * (row.key()[1] - '0'); }).ok());
      texts[away].push_back(fmt::format("{}", sum));
    }
    ASSERT_EQ(texts[0], texts[1]) << "seed " << seed;
    EXPECT_GT(texts[0].size(), 2000u);
  }
}

TEST_F(TaskTest, ALoadedCustomerWhoIsAwayKeepsTheTimer) {
  const std::unique_ptr<StateStore> store = NewMemoryStore();
  task_ = NewTask(store.get());
  for (const char* key : {"a", "b", "c"}) Add(10, key, key[0]);
  Step(11);
  task_->EncodeChanged();
  ASSERT_TRUE(WriteState({&task_->encoded()}, {}, store.get()).ok());
  task_ = NewTask(store.get());
  task_->LimitMemory(4);
  ASSERT_TRUE(store->ScanRows([&](auto key, auto row) { return task_->LoadRow(key, row); }).ok());
  EXPECT_EQ(task_->customers(), 3u);
  EXPECT_EQ(task_->away(), 2u) << "the first took the memory";
  EXPECT_EQ(task_->next_instant(), 10 + 'a');
  EXPECT_THAT(Step(1000), ElementsAre("107 timer a after 1", "108 timer b after 1", "109 timer c after 1"));
  EXPECT_EQ(task_->away(), 0u);
  EXPECT_FALSE(task_->LoadRow("d", "nonsense").ok());
}

TEST_F(TaskTest, AMeetingFindsCustomersWhoAreAway) {
  const std::unique_ptr<StateStore> store = NewMemoryStore();
  task_ = NewTask(store.get());
  task_->LimitMemory(4);
  Add(10, "a");
  Step(11);
  task_->EncodeChanged();
  ASSERT_TRUE(WriteState({&task_->encoded()}, {}, store.get()).ok());
  task_->AfterWrite();
  ASSERT_EQ(task_->away(), 1u);
  int64_t records = 0;
  task_->AtMeeting(20, "a", 0, [&](RowRef* row, Outputs*) { records = row->cells()[0]; });
  EXPECT_EQ(records, 1);
  EXPECT_EQ(task_->away(), 0u);
  EXPECT_THAT(task_->rows().changed(), SizeIs(1));
}

TEST_F(TaskTest, AStoreThatLostACustomerIsNoticedWhenTheTimerIsDue) {
  const std::unique_ptr<StateStore> store = NewMemoryStore();
  task_ = NewTask(store.get());
  task_->LimitMemory(4);
  Add(10, "a", 5);
  Step(11);
  task_->EncodeChanged();
  task_->AfterWrite();
  Step(100);
  EXPECT_EQ(task_->failed().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(LookAtRows({task_.get()}, [](RowRef) {}).code(), absl::StatusCode::kDataLoss);
}

TEST(WorkerTest, ThreadedAndNotGiveTheSame) {
  std::vector<std::string> texts[2];
  for (bool threaded : {false, true}) {
    const LogNames names{{"calls"}, {{"a"}}};
    Worker worker(std::make_unique<Task>(std::make_unique<EchoOperator>(), OneCell(), &names), threaded);
    for (TimeMs time = 0; time < 300; ++time) {
      RecordBatch batch;
      for (int i = 0; i < 5; ++i) {
        MadeRecord record(fmt::format("c{}", (time + i) % 97), time, {8 - i * 2});
        record->offset = time * 5 + i;
        record.AddTo(&batch);
      }
      worker.Post(std::move(batch), time);
      if (time % 50 == 0) worker.Drain();
    }
    worker.Drain();
    EXPECT_EQ(worker.uncommitted_bytes(), worker.task().uncommitted_bytes());
    const Outputs& outputs = worker.task().outputs();
    for (const Outputs::Line& line : outputs.lines()) texts[threaded].emplace_back(outputs.text(line));
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_GT(texts[0].size(), 1495u) << "records, and timers";
}

TEST(OutputsTest, LinesOfSeveralTasksHaveOneOrder) {
  MadeRecord late_offset("k", 10), early_offset("k", 10), other_source("k", 10), later("k", 11);
  late_offset->offset = 8;
  early_offset->offset = 7;
  other_source->source = 1;
  Outputs a, b;
  a.AtTimer(10, "y");
  a.Emit(Stream::kAlerts, "timer y");
  a.AtRecord(*late_offset);
  a.Emit(Stream::kAlerts, "late offset 1");
  a.Emit(Stream::kScores, "late offset 2");
  b.AtTimer(10, "x");
  b.Emit(Stream::kAlerts, "timer x 1");
  b.Emit(Stream::kAlerts, "timer x 2");
  b.AtRecord(*early_offset);
  b.Emit(Stream::kShadow, "early offset");
  b.AtRecord(*other_source);
  b.Emit(Stream::kAlerts, "other source");
  b.AtRecord(*later);
  b.Emit(Stream::kAlerts, "later");
  std::vector<PlacedLine> lines;
  for (const Outputs* outputs : {&a, &b}) {
    for (const Outputs::Line& line : outputs->lines()) lines.push_back({outputs, &line});
  }
  std::sort(lines.begin(), lines.end(), ComesBefore);
  std::vector<std::string> texts;
  for (const PlacedLine& line : lines) texts.emplace_back(line.outputs->text(*line.line));
  EXPECT_THAT(texts, ElementsAre("early offset", "late offset 1", "late offset 2", "other source", "timer x 1",
                                 "timer x 2", "timer y", "later"));
}

}  // namespace
}  // namespace ebb
